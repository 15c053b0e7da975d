# Azure Firewall policy for Terraform (azurerm), made by sallyport VERSION for cloud china, region chinaeast2; edition 2024-05-20
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

  network_rule_collection {
    name     = "aks-network"
    priority = 1000
    action   = "Allow"

    rule {
      name                  = "tunnel-udp"
      description           = "Tunnel from the nodes to the control plane (UDP part)."
      source_addresses      = ["*"]
      protocols             = ["UDP"]
      destination_addresses = ["AzureCloud.chinaeast2"]
      destination_ports     = ["1194"]
    }

    rule {
      name                  = "tunnel-tcp"
      description           = "Tunnel from the nodes to the control plane (TCP part)."
      source_addresses      = ["*"]
      protocols             = ["TCP"]
      destination_addresses = ["AzureCloud.chinaeast2"]
      destination_ports     = ["9000"]
    }

    rule {
      name                  = "tunnel-ssh"
      description           = "Tunnel from the nodes to the control plane (SSH part)."
      source_addresses      = ["*"]
      protocols             = ["TCP"]
      destination_addresses = ["AzureCloud.chinaeast2"]
      destination_ports     = ["22"]
    }
  }

  application_rule_collection {
    name     = "aks-fqdn"
    priority = 1001
    action   = "Allow"

    rule {
      name              = "api-server"
      description       = "The API server by name; also the konnectivity agents' way to the control plane."
      source_addresses  = ["*"]
      destination_fqdns = ["*.hcp.chinaeast2.cx.prod.service.azk8s.cn"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "api-server-tunnel"
      description       = "The control plane's end of the tunnel, by name."
      source_addresses  = ["*"]
      destination_fqdns = ["*.tun.chinaeast2.cx.prod.service.azk8s.cn"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "mcr"
      description       = "Microsoft's container registry, home of the cluster's own images (CoreDNS and others)."
      source_addresses  = ["*"]
      destination_fqdns = ["mcr.microsoft.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "mcr-data"
      description       = "Image layers of Microsoft's container registry, delivered from its CDN."
      source_addresses  = ["*"]
      destination_fqdns = ["*.data.mcr.microsoft.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "azure-management"
      description       = "Azure Resource Manager, which Kubernetes asks for disks, addresses and load balancers."
      source_addresses  = ["*"]
      destination_fqdns = ["management.chinacloudapi.cn"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "entra-login"
      description       = "Sign-in of the cluster's identities with Microsoft Entra."
      source_addresses  = ["*"]
      destination_fqdns = ["login.chinacloudapi.cn"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "microsoft-packages"
      description       = "Microsoft's package repository, from which nodes install through apt."
      source_addresses  = ["*"]
      destination_fqdns = ["packages.microsoft.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "azk8s-mirror"
      description       = "Download of node binaries from the mirrors inside this cloud."
      source_addresses  = ["*"]
      destination_fqdns = ["*.azk8s.cn"]

      protocols {
        type = "Https"
        port = 443
      }
    }
  }
}
