# Azure Firewall policy for Terraform (azurerm), made by sallyport VERSION for cloud public, region eastus; edition 2030-01-01
# note: IPv6 prefixes of deny rules are left out: IPv6 does not pass Azure Firewall, and needs a way out of its own or none
# note: names in network rules are matched by the addresses that the firewall resolves: keep its DNS proxy on, and let the cluster resolve through it
# note: Azure Firewall does not pass ICMP to the internet
# note: TLS without a server name (SNI) matches no application rule: what is reached by address needs a network rule
# note: the FQDN tag AzureKubernetesService is not used: what it holds is published nowhere and has lagged behind what clusters need
# note: Azure's own infrastructure names pass without a rule, unless a last application collection denies *
# note: a name may lead to private addresses: private_destinations has no counterpart
# stricter: IPv6 is left out: it does not pass Azure Firewall (team-network/database, team-network/only-v6, team/shop)
# stricter: build-*.example.net is left out: Azure takes '*' at the left end of a name only, where it spans any number of labels (team/builds)
# stricter: *-cache.example.net is left out: Azure takes '*' at the left end of a name only, where it spans any number of labels (team/builds)
# stricter: port 64443 is left out: Azure's application rules take ports up to 64000 (team/builds)

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

  network_rule_collection {
    name     = "never-network"
    priority = 100
    action   = "Deny"

    rule {
      name                  = "mail"
      source_addresses      = ["*"]
      protocols             = ["TCP"]
      destination_addresses = ["*"]
      destination_ports     = ["25"]
    }

    rule {
      name                  = "lab"
      source_addresses      = ["*"]
      protocols             = ["Any"]
      destination_addresses = ["192.0.2.0/24"]
      destination_ports     = ["*"]
    }
  }

  network_rule_collection {
    name     = "team-network"
    priority = 300
    action   = "Allow"

    rule {
      name             = "database-addresses"
      source_addresses = ["*"]
      protocols        = ["TCP"]
      destination_addresses = [
        "198.51.100.16/28",
        "203.0.113.7",
      ]
      destination_ports = [
        "5432",
        "6432-6440",
      ]
    }

    rule {
      name              = "database-fqdns"
      source_addresses  = ["*"]
      protocols         = ["TCP"]
      destination_fqdns = ["db.example.com"]
      destination_ports = [
        "5432",
        "6432-6440",
      ]
    }

    rule {
      name             = "time"
      source_addresses = ["*"]
      protocols        = ["UDP"]
      destination_fqdns = [
        "time.example.com",
        "ntp.example.com",
      ]
      destination_ports = ["123"]
    }

    rule {
      name                  = "storage"
      source_addresses      = ["*"]
      protocols             = ["TCP"]
      destination_addresses = ["Storage"]
      destination_ports     = ["445"]
    }

    rule {
      name             = "dns"
      source_addresses = ["10.42.1.53"]
      protocols = [
        "TCP",
        "UDP",
      ]
      destination_addresses = ["192.0.2.53"]
      destination_ports     = ["53"]
    }

    rule {
      name                  = "ping"
      source_addresses      = ["*"]
      protocols             = ["ICMP"]
      destination_addresses = ["198.51.100.0/24"]
      destination_ports     = ["*"]
    }
  }

  network_rule_collection {
    name     = "aks-network"
    priority = 1000
    action   = "Allow"

    rule {
      name                  = "tunnel"
      description           = "Tunnel to the control plane."
      source_addresses      = ["*"]
      protocols             = ["UDP"]
      destination_addresses = ["AzureCloud.eastus"]
      destination_ports     = ["1194"]
    }
  }

  application_rule_collection {
    name     = "never"
    priority = 101
    action   = "Deny"

    rule {
      name             = "paste-sites"
      source_addresses = ["*"]
      destination_fqdns = [
        "paste.example",
        "*.paste.example",
      ]

      protocols {
        type = "Https"
        port = 443
      }

      protocols {
        type = "Http"
        port = 80
      }
    }
  }

  application_rule_collection {
    name     = "team"
    priority = 301
    action   = "Allow"

    rule {
      name             = "shop"
      description      = "What the team's shop calls (\"für uns\", 100% of it, in $${HOME})."
      source_addresses = ["10.42.1.0/24"]
      destination_fqdns = [
        "shop.example",
        "*.shop.example",
      ]

      protocols {
        type = "Https"
        port = 443
      }

      protocols {
        type = "Http"
        port = 80
      }
    }

    rule {
      name              = "builds"
      source_addresses  = ["*"]
      destination_fqdns = ["builds.example.net"]

      protocols {
        type = "Https"
        port = 8443
      }
    }

    rule {
      name              = "any-name"
      source_addresses  = ["10.42.7.0/24"]
      destination_fqdns = ["*"]

      protocols {
        type = "Http"
        port = 80
      }
    }
  }

  application_rule_collection {
    name     = "aks-fqdn"
    priority = 1001
    action   = "Allow"

    rule {
      name              = "api-server"
      description       = "The API server by name."
      source_addresses  = ["*"]
      destination_fqdns = ["*.hcp.eastus.example"]

      protocols {
        type = "Https"
        port = 443
      }
    }
  }
}
