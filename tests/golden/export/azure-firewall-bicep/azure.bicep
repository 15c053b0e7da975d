// Azure Firewall policy in Bicep, made by sallyport VERSION
// note: allow rules are for the protected sources only (network.inside.sources)
// note: TLS without a server name (SNI) matches no application rule: what is reached by address needs a network rule
// note: the FQDN tag AzureKubernetesService is not used: what it holds is published nowhere and has lagged behind what clusters need
// note: Azure's own infrastructure names pass without a rule, unless a last application collection denies *
// note: a name may lead to private addresses: private_destinations has no counterpart
// stricter: old-*-eu.example.org is denied as *-eu.example.org: Azure takes '*' at the left end of a name only (never/old)
// stricter: x-*.lab.example.org is denied as *.lab.example.org: Azure takes '*' at the left end of a name only (never/old)
// stricter: x-*.example.net is left out: Azure takes '*' at the left end of a name only, where it spans any number of labels (web/only-star)

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
        name: 'never'
        priority: 100
        action: {
          type: 'Deny'
        }
        rules: [
          {
            ruleType: 'ApplicationRule'
            name: 'old'
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
              '*-eu.example.org'
              '*.lab.example.org'
            ]
          }
        ]
      }
      {
        ruleCollectionType: 'FirewallPolicyFilterRuleCollection'
        name: 'web'
        priority: 200
        action: {
          type: 'Allow'
        }
        rules: [
          {
            ruleType: 'ApplicationRule'
            name: 'everyone'
            sourceAddresses: [
              '10.42.0.0/16'
              '10.43.0.0/16'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              '*.example.org'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'some'
            sourceAddresses: [
              '10.42.1.0/24'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'some.example.org'
            ]
          }
          {
            ruleType: 'ApplicationRule'
            name: 'wide'
            sourceAddresses: [
              '10.42.0.0/16'
              '10.43.0.0/16'
            ]
            protocols: [
              {
                protocolType: 'Https'
                port: 443
              }
            ]
            targetFqdns: [
              'wide.example.org'
            ]
          }
        ]
      }
    ]
  }
}
