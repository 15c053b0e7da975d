// Azure Firewall policy in Bicep, made by sallyport VERSION for cloud public, region eastus; edition 2030-01-01
// note: IPv6 prefixes of deny rules are left out: IPv6 does not pass Azure Firewall, and needs a way out of its own or none
// note: names in network rules are matched by the addresses that the firewall resolves: keep its DNS proxy on, and let the cluster resolve through it
// note: Azure Firewall does not pass ICMP to the internet
// note: TLS without a server name (SNI) matches no application rule: what is reached by address needs a network rule
// note: the FQDN tag AzureKubernetesService is not used: what it holds is published nowhere and has lagged behind what clusters need
// note: Azure's own infrastructure names pass without a rule, unless a last application collection denies *
// note: a name may lead to private addresses: private_destinations has no counterpart
// stricter: IPv6 is left out: it does not pass Azure Firewall (team-network/database, team-network/only-v6, team/shop)
// stricter: build-*.example.net is left out: Azure takes '*' at the left end of a name only, where it spans any number of labels (team/builds)
// stricter: *-cache.example.net is left out: Azure takes '*' at the left end of a name only, where it spans any number of labels (team/builds)
// stricter: port 64443 is left out: Azure's application rules take ports up to 64000 (team/builds)

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
        name: 'never-network'
        priority: 100
        action: {
          type: 'Deny'
        }
        rules: [
          {
            ruleType: 'NetworkRule'
            name: 'mail'
            sourceAddresses: [
              '*'
            ]
            ipProtocols: [
              'TCP'
            ]
            destinationAddresses: [
              '*'
            ]
            destinationPorts: [
              '25'
            ]
          }
          {
            ruleType: 'NetworkRule'
            name: 'lab'
            sourceAddresses: [
              '*'
            ]
            ipProtocols: [
              'Any'
            ]
            destinationAddresses: [
              '192.0.2.0/24'
            ]
            destinationPorts: [
              '*'
            ]
          }
        ]
      }
      {
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        name: 'team-network'
        priority: 300
        action: {
          type: 'Allow'
        }
        rules: [
          {
            ruleType: 'NetworkRule'
            name: 'database-addresses'
            sourceAddresses: [
              '*'
            ]
            ipProtocols: [
              'TCP'
            ]
            destinationAddresses: [
              '198.51.100.16/28'
              '203.0.113.7'
            ]
            destinationPorts: [
              '5432'
              '6432-6440'
            ]
          }
          {
            ruleType: 'NetworkRule'
            name: 'database-fqdns'
            sourceAddresses: [
              '*'
            ]
            ipProtocols: [
              'TCP'
            ]
            destinationFqdns: [
              'db.example.com'
            ]
            destinationPorts: [
              '5432'
              '6432-6440'
            ]
          }
          {
            ruleType: 'NetworkRule'
            name: 'time'
            sourceAddresses: [
              '*'
            ]
            ipProtocols: [
              'UDP'
            ]
            destinationFqdns: [
              'time.example.com'
              'ntp.example.com'
            ]
            destinationPorts: [
              '123'
            ]
          }
          {
            ruleType: 'NetworkRule'
            name: 'storage'
            sourceAddresses: [
              '*'
            ]
            ipProtocols: [
              'TCP'
            ]
            destinationAddresses: [
              'Storage'
            ]
            destinationPorts: [
              '445'
            ]
          }
          {
            ruleType: 'NetworkRule'
            name: 'dns'
            sourceAddresses: [
              '10.42.1.53'
            ]
            ipProtocols: [
              'TCP'
              'UDP'
            ]
            destinationAddresses: [
              '192.0.2.53'
            ]
            destinationPorts: [
              '53'
            ]
          }
          {
            ruleType: 'NetworkRule'
            name: 'ping'
            sourceAddresses: [
              '*'
            ]
            ipProtocols: [
              'ICMP'
            ]
            destinationAddresses: [
              '198.51.100.0/24'
            ]
            destinationPorts: [
              '*'
            ]
          }
        ]
      }
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
            name: 'tunnel'
            description: 'Tunnel to the control plane.'
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
        ]
      }
      {
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        name: 'never'
        priority: 101
        action: {
          type: 'Deny'
        }
        rules: [
          {
            ruleType: 'ApplicationRule'
            name: 'paste-sites'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
              {
                protocolType: 'Http'
                port: 80
              }
            ]
            targetFqdns: [
              'paste.example'
              '*.paste.example'
            ]
          }
        ]
      }
      {
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        name: 'team'
        priority: 301
        action: {
          type: 'Allow'
        }
        rules: [
          {
            ruleType: 'ApplicationRule'
            name: 'shop'
            description: 'What the team\'s shop calls ("für uns", 100% of it, in \${HOME}).'
            sourceAddresses: [
              '10.42.1.0/24'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
              {
                protocolType: 'Http'
                port: 80
              }
            ]
            targetFqdns: [
              'shop.example'
              '*.shop.example'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'builds'
            sourceAddresses: [
              '*'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 8443
              }
            ]
            targetFqdns: [
              'builds.example.net'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'any-name'
            sourceAddresses: [
              '10.42.7.0/24'
            ]
            protocols: [
              {
                protocolType: 'Http'
                port: 80
              }
            ]
            targetFqdns: [
              '*'
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
            description: 'The API server by name.'
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
              '*.hcp.eastus.example'
            ]
          }
        ]
      }
    ]
  }
}
