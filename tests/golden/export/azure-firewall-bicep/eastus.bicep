// Azure Firewall policy in Bicep, made by sallyport VERSION for cloud public, region eastus, features monitor; edition 2026-07-02
// note: TLS without a server name (SNI) matches no application rule: what is reached by address needs a network rule
// note: the FQDN tag AzureKubernetesService is not used: what it holds is published nowhere and has lagged behind what clusters need
// note: Azure's own infrastructure names pass without a rule, unless a last application collection denies *
// note: a name may lead to private addresses: private_destinations has no counterpart

param policyName string = 'sallyport'

param location string = resourceGroup().location

@description('Basic has no DNS proxy.')
@allowed([
  'Standard'
  'Premium'
])
param skuTier string = 'Standard'

@description('Names in network rules need it.')
param enableDnsProxy bool = true

@description('Whom the DNS proxy asks; empty: Azure\'s own DNS.')
param dnsServers array = []

param groupName string = 'sallyport'

@description('Among the policy\'s rule collection groups; the lowest is judged first.')
@minValue(100)
@maxValue(65000)
param groupPriority int = 500

resource policy 'Microsoft.Network/firewallPolicies@2020-11-01' = {
  name: policyName
  location: location
  properties: {
    sku: {
      tier: skuTier
    }
    dnsSettings: {
      enableProxy: enableDnsProxy
      servers: dnsServers
    }
  }
}

resource group 'Microsoft.Network/firewallPolicies/ruleCollectionGroups@2020-11-01' = {
  parent: policy
  name: groupName
  properties: {
    priority: groupPriority
    ruleCollections: [
      {
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        name: 'aks-network'
        priority: 1000
        action: {
          type: 'Allow'
        }
        rules: [
          {
            ruleType: 'NetworkRule'
            name: 'tunnel-udp'
            description: 'Tunnel from the nodes to the control plane (UDP part).'
            sourceAddresses: [
              '*'
            ]
            ipProtocols: [
              'UDP'
            ]
            destinationAddresses: [
              'AzureCloud.eastus'
            ]
            destinationPorts: [
              '1194'
            ]
          }
          {
            ruleType: 'NetworkRule'
            name: 'tunnel-tcp'
            description: 'Tunnel from the nodes to the control plane (TCP part).'
            sourceAddresses: [
              '*'
            ]
            ipProtocols: [
              'TCP'
            ]
            destinationAddresses: [
              'AzureCloud.eastus'
            ]
            destinationPorts: [
              '9000'
            ]
          }
        ]
      }
      {
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        name: 'aks-fqdn'
        priority: 1001
        action: {
          type: 'Allow'
        }
        rules: [
          {
            ruleType: 'ApplicationRule'
            name: 'api-server'
            description: 'The API server by name; also the konnectivity agents\' way to the control plane.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              '*.hcp.eastus.azmk8s.io'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'mcr'
            description: 'Microsoft\'s container registry, home of the cluster\'s own images (CoreDNS and others).'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'mcr.microsoft.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'mcr-data'
            description: 'Image layers of Microsoft\'s container registry, delivered from its CDN.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              '*.data.mcr.microsoft.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'mcr-edge'
            description: 'The edge that the registry\'s names point to.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'mcr-0001.mcr-msedge.net'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'azure-management'
            description: 'Azure Resource Manager, which Kubernetes asks for disks, addresses and load balancers.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'management.azure.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'entra-login'
            description: 'Sign-in of the cluster\'s identities with Microsoft Entra.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'login.microsoftonline.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'microsoft-packages'
            description: 'Microsoft\'s package repository, from which nodes install through apt.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'packages.microsoft.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'acs-mirror'
            description: 'Download of node binaries such as the network plug-ins.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'acs-mirror.azureedge.net'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'aks-packages'
            description: 'Download of Kubernetes and network plug-in binaries for nodes.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'packages.aks.azure.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'monitor-logs'
            description: 'Ingestion of logs into a Log Analytics workspace.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              '*.ods.opinsights.azure.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'monitor-agent'
            description: 'Onboarding and sign-in of the monitoring agent at its workspace.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              '*.oms.opinsights.azure.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'monitor-telemetry'
            description: 'Telemetry of the monitoring agents themselves.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'dc.services.visualstudio.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'monitor-app-insights'
            description: 'Application Insights of auto-instrumented workloads.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              '*.in.applicationinsights.azure.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'monitor-metrics'
            description: 'Ingestion of metrics into Azure Monitor.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              '*.monitoring.azure.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'monitor-login'
            description: 'Sign-in of the monitoring agents with Microsoft Entra.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'login.microsoftonline.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'monitor-control'
            description: 'Control service of Azure Monitor.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'global.handler.control.monitor.azure.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'monitor-ingest'
            description: 'Ingestion of container logs through data collection endpoints.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              '*.ingest.monitor.azure.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'monitor-metrics-ingest'
            description: 'Ingestion of Prometheus metrics through data collection endpoints.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              '*.metrics.ingest.monitor.azure.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'monitor-collection-rules'
            description: 'Data collection rules of this cluster.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'eastus.handler.control.monitor.azure.com'
            ]
          }
        ]
      }
      {
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        name: 'aks-recommended'
        priority: 1100
        action: {
          type: 'Allow'
        }
        rules: [
          {
            ruleType: 'ApplicationRule'
            name: 'ubuntu-updates'
            description: 'Ubuntu\'s security updates and patches for Linux nodes.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Http'
                port: 80
              }
            ]
            targetFqdns: [
              'security.ubuntu.com'
              'azure.archive.ubuntu.com'
              'changelogs.ubuntu.com'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'ubuntu-snapshots'
            description: 'Ubuntu\'s snapshot service, from which nodes take security updates of a fixed date.'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'snapshot.ubuntu.com'
            ]
          }
        ]
      }
    ]
  }
}
