// Azure Firewall policy in Bicep, made by sallyport VERSION
// note: the collections have new priorities, in the same order: equal ones at the end of the range left no room
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
        name: 'edges'
        priority: 100
        action: {
          type: 'Allow'
        }
        rules: [
          {
            ruleType: 'ApplicationRule'
            name: 'quotes'
            description: 'it\'s "so" \'n\' \\ that\'s it\\'
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
              'a.example'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'templates'
            description: '\${HOME} %{if} $\${x} $(id) `id` {{x}}'
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
              'a.example'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'expression'
            description: '[resourceGroup().id]'
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
              'a.example'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'file'
            description: '@/etc/passwd'
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
              'a.example'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'option'
            description: '--help'
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
              'a.example'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'lines'
            description: 'one\u{a}two\u{d}\u{9}three\u{7}\u{7f} ]]> */ -->'
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
              'a.example'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'letters'
            description: 'für 日本 😀'
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
              'a.example'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'blank'
            description: ' '
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
              'a.example'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'rule'
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
              'a.example'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'Quotes-2'
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
              'a.example'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'a234567890123456789012345678901234567890123456789012345678901234'
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
              'a.example'
            ]
          }
        ]
      }
      {
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        name: 'last'
        priority: 130
        action: {
          type: 'Allow'
        }
        rules: [
          {
            ruleType: 'ApplicationRule'
            name: 'b'
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
              'b.example'
            ]
          }
        ]
      }
    ]
  }
}
