// Azure Firewall policy in Bicep, made by sallyport VERSION for cloud china, region chinaeast2; edition 2024-05-20
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
              'AzureCloud.chinaeast2'
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
              'AzureCloud.chinaeast2'
            ]
            destinationPorts: [
              '9000'
            ]
          }
          {
            ruleType: 'NetworkRule'
            name: 'tunnel-ssh'
            description: 'Tunnel from the nodes to the control plane (SSH part).'
            sourceAddresses: [
              '*'
            ]
            ipProtocols: [
              'TCP'
            ]
            destinationAddresses: [
              'AzureCloud.chinaeast2'
            ]
            destinationPorts: [
              '22'
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
              '*.hcp.chinaeast2.cx.prod.service.azk8s.cn'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'api-server-tunnel'
            description: 'The control plane\'s end of the tunnel, by name.'
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
              '*.tun.chinaeast2.cx.prod.service.azk8s.cn'
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
              'management.chinacloudapi.cn'
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
              'login.chinacloudapi.cn'
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
            name: 'azk8s-mirror'
            description: 'Download of node binaries from the mirrors inside this cloud.'
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
              '*.azk8s.cn'
            ]
          }
        ]
      }
    ]
  }
}
