# Azure Firewall policy for Terraform (azurerm), made by sallyport VERSION
# note: the collections have new priorities, in the same order: equal ones at the end of the range left no room
# note: TLS without a server name (SNI) matches no application rule: what is reached by address needs a network rule
# note: the FQDN tag AzureKubernetesService is not used: what it holds is published nowhere and has lagged behind what clusters need
# note: Azure's own infrastructure names pass without a rule, unless a last application collection denies *
# note: a name may lead to private addresses: private_destinations has no counterpart

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
    name     = "edges"
    priority = 100
    action   = "Allow"

    rule {
      name              = "quotes"
      description       = "it's \"so\" 'n' \\ that's it\\"
      source_addresses  = ["*"]
      destination_fqdns = ["a.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "templates"
      description       = "$${HOME} %%{if} $$${x} $(id) `id` {{x}}"
      source_addresses  = ["*"]
      destination_fqdns = ["a.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "expression"
      description       = "[resourceGroup().id]"
      source_addresses  = ["*"]
      destination_fqdns = ["a.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "file"
      description       = "@/etc/passwd"
      source_addresses  = ["*"]
      destination_fqdns = ["a.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "option"
      description       = "--help"
      source_addresses  = ["*"]
      destination_fqdns = ["a.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "lines"
      description       = "one\u000atwo\u000d\u0009three\u0007\u007f ]]> */ -->"
      source_addresses  = ["*"]
      destination_fqdns = ["a.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "letters"
      description       = "für 日本 😀"
      source_addresses  = ["*"]
      destination_fqdns = ["a.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "blank"
      description       = " "
      source_addresses  = ["*"]
      destination_fqdns = ["a.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "rule"
      source_addresses  = ["*"]
      destination_fqdns = ["a.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "Quotes-2"
      source_addresses  = ["*"]
      destination_fqdns = ["a.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "a234567890123456789012345678901234567890123456789012345678901234"
      source_addresses  = ["*"]
      destination_fqdns = ["a.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }
  }

  application_rule_collection {
    name     = "last"
    priority = 130
    action   = "Allow"

    rule {
      name              = "b"
      source_addresses  = ["*"]
      destination_fqdns = ["b.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }
  }
}
