# Azure Firewall policy for Terraform (azurerm), made by sallyport VERSION
# note: allow rules are for the protected sources only (network.inside.sources)
# note: TLS without a server name (SNI) matches no application rule: what is reached by address needs a network rule
# note: the FQDN tag AzureKubernetesService is not used: what it holds is published nowhere and has lagged behind what clusters need
# note: Azure's own infrastructure names pass without a rule, unless a last application collection denies *
# note: a name may lead to private addresses: private_destinations has no counterpart
# stricter: old-*-eu.example.org is denied as *-eu.example.org: Azure takes '*' at the left end of a name only (never/old)
# stricter: x-*.lab.example.org is denied as *.lab.example.org: Azure takes '*' at the left end of a name only (never/old)
# stricter: x-*.example.net is left out: Azure takes '*' at the left end of a name only, where it spans any number of labels (web/only-star)

terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 3.0"
    }
  }
}

variable "resource_group_name" {
  type = string
}

variable "location" {
  type = string
}

variable "policy_name" {
  type    = string
  default = "sallyport"
}

variable "sku" {
  type        = string
  default     = "Standard"
  description = "Standard or Premium; Basic has no DNS proxy."
}

variable "dns_proxy_enabled" {
  type        = bool
  default     = true
  description = "Names in network rules need it."
}

variable "dns_servers" {
  type        = list(string)
  default     = []
  description = "Whom the DNS proxy asks; empty: Azure's own DNS."
}

variable "group_name" {
  type    = string
  default = "sallyport"
}

variable "group_priority" {
  type        = number
  default     = 500
  description = "Among the policy's rule collection groups, 100 to 65000; the lowest is judged first."
}

resource "azurerm_firewall_policy" "sallyport" {
  name                = var.policy_name
  resource_group_name = var.resource_group_name
  location            = var.location
  sku                 = var.sku

  dns {
    proxy_enabled = var.dns_proxy_enabled
    servers       = var.dns_servers
  }
}

resource "azurerm_firewall_policy_rule_collection_group" "sallyport" {
  name               = var.group_name
  firewall_policy_id = azurerm_firewall_policy.sallyport.id
  priority           = var.group_priority

  application_rule_collection {
    name     = "never"
    priority = 100
    action   = "Deny"

    rule {
      name             = "old"
      source_addresses = ["*"]
      destination_fqdns = [
        "*-eu.example.org",
        "*.lab.example.org",
      ]

      protocols {
        type = "Https"
        port = 443
      }
    }
  }

  application_rule_collection {
    name     = "web"
    priority = 200
    action   = "Allow"

    rule {
      name = "everyone"
      source_addresses = [
        "10.42.0.0/16",
        "10.43.0.0/16",
      ]
      destination_fqdns = ["*.example.org"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "some"
      source_addresses  = ["10.42.1.0/24"]
      destination_fqdns = ["some.example.org"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name = "wide"
      source_addresses = [
        "10.42.0.0/16",
        "10.43.0.0/16",
      ]
      destination_fqdns = ["wide.example.org"]

      protocols {
        type = "Https"
        port = 443
      }
    }
  }
}
