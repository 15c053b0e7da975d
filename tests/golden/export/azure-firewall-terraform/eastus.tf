# Azure Firewall policy for Terraform (azurerm), made by sallyport VERSION for cloud public, region eastus, features monitor; edition 2026-07-02
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
      destination_addresses = ["AzureCloud.eastus"]
      destination_ports     = ["1194"]
    }

    rule {
      name                  = "tunnel-tcp"
      description           = "Tunnel from the nodes to the control plane (TCP part)."
      source_addresses      = ["*"]
      protocols             = ["TCP"]
      destination_addresses = ["AzureCloud.eastus"]
      destination_ports     = ["9000"]
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
      destination_fqdns = ["*.hcp.eastus.azmk8s.io"]

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
      name              = "mcr-edge"
      description       = "The edge that the registry's names point to."
      source_addresses  = ["*"]
      destination_fqdns = ["mcr-0001.mcr-msedge.net"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "azure-management"
      description       = "Azure Resource Manager, which Kubernetes asks for disks, addresses and load balancers."
      source_addresses  = ["*"]
      destination_fqdns = ["management.azure.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "entra-login"
      description       = "Sign-in of the cluster's identities with Microsoft Entra."
      source_addresses  = ["*"]
      destination_fqdns = ["login.microsoftonline.com"]

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
      name              = "acs-mirror"
      description       = "Download of node binaries such as the network plug-ins."
      source_addresses  = ["*"]
      destination_fqdns = ["acs-mirror.azureedge.net"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "aks-packages"
      description       = "Download of Kubernetes and network plug-in binaries for nodes."
      source_addresses  = ["*"]
      destination_fqdns = ["packages.aks.azure.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "monitor-logs"
      description       = "Ingestion of logs into a Log Analytics workspace."
      source_addresses  = ["*"]
      destination_fqdns = ["*.ods.opinsights.azure.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "monitor-agent"
      description       = "Onboarding and sign-in of the monitoring agent at its workspace."
      source_addresses  = ["*"]
      destination_fqdns = ["*.oms.opinsights.azure.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "monitor-telemetry"
      description       = "Telemetry of the monitoring agents themselves."
      source_addresses  = ["*"]
      destination_fqdns = ["dc.services.visualstudio.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "monitor-app-insights"
      description       = "Application Insights of auto-instrumented workloads."
      source_addresses  = ["*"]
      destination_fqdns = ["*.in.applicationinsights.azure.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "monitor-metrics"
      description       = "Ingestion of metrics into Azure Monitor."
      source_addresses  = ["*"]
      destination_fqdns = ["*.monitoring.azure.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "monitor-login"
      description       = "Sign-in of the monitoring agents with Microsoft Entra."
      source_addresses  = ["*"]
      destination_fqdns = ["login.microsoftonline.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "monitor-control"
      description       = "Control service of Azure Monitor."
      source_addresses  = ["*"]
      destination_fqdns = ["global.handler.control.monitor.azure.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "monitor-ingest"
      description       = "Ingestion of container logs through data collection endpoints."
      source_addresses  = ["*"]
      destination_fqdns = ["*.ingest.monitor.azure.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "monitor-metrics-ingest"
      description       = "Ingestion of Prometheus metrics through data collection endpoints."
      source_addresses  = ["*"]
      destination_fqdns = ["*.metrics.ingest.monitor.azure.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }

    rule {
      name              = "monitor-collection-rules"
      description       = "Data collection rules of this cluster."
      source_addresses  = ["*"]
      destination_fqdns = ["eastus.handler.control.monitor.azure.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }
  }

  application_rule_collection {
    name     = "aks-recommended"
    priority = 1100
    action   = "Allow"

    rule {
      name             = "ubuntu-updates"
      description      = "Ubuntu's security updates and patches for Linux nodes."
      source_addresses = ["*"]
      destination_fqdns = [
        "security.ubuntu.com",
        "azure.archive.ubuntu.com",
        "changelogs.ubuntu.com",
      ]

      protocols {
        type = "Http"
        port = 80
      }
    }

    rule {
      name              = "ubuntu-snapshots"
      description       = "Ubuntu's snapshot service, from which nodes take security updates of a fixed date."
      source_addresses  = ["*"]
      destination_fqdns = ["snapshot.ubuntu.com"]

      protocols {
        type = "Https"
        port = 443
      }
    }
  }
}
