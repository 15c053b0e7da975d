#!/bin/bash
# Azure Firewall policy as a script of az commands, made by sallyport VERSION for cloud public, region eastus; edition 2030-01-01
# note: IPv6 prefixes of deny rules are left out: IPv6 does not pass Azure Firewall, and needs a way out of its own or none
# note: names in network rules are matched by the addresses that the firewall resolves: keep its DNS proxy on, and let the cluster resolve through it
# note: Azure Firewall does not pass ICMP to the internet
# note: TLS without a server name (SNI) matches no application rule: what is reached by address needs a network rule
# note: the FQDN tag AzureKubernetesService is not used: what it holds is published nowhere and has lagged behind what clusters need
# note: Azure's own infrastructure names pass without a rule, unless a last application collection denies *
# note: a name may lead to private addresses: private_destinations has no counterpart
# note: run it again to replace the rule collection group $GROUP_NAME by this one; meanwhile what the group allows is denied, and on a firewall in use each command takes minutes: change such a policy by one of the azure-firewall targets, at one stroke
# stricter: IPv6 is left out: it does not pass Azure Firewall (team-network/database, team-network/only-v6, team/shop)
# stricter: build-*.example.net is left out: Azure takes '*' at the left end of a name only, where it spans any number of labels (team/builds)
# stricter: *-cache.example.net is left out: Azure takes '*' at the left end of a name only, where it spans any number of labels (team/builds)
# stricter: port 64443 is left out: Azure's application rules take ports up to 64000 (team/builds)

set -euo pipefail

: "${RESOURCE_GROUP:?the resource group of the policy}"
: "${POLICY_NAME:=sallyport}" "${GROUP_NAME:=sallyport}" "${GROUP_PRIORITY:=500}"

policy=(--resource-group "$RESOURCE_GROUP" --name "$POLICY_NAME")
group=(--resource-group "$RESOURCE_GROUP" --policy-name "$POLICY_NAME")
quiet=(--output none --only-show-errors)

add_collection() {
	az network firewall policy rule-collection-group collection add-filter-collection \
		"${group[@]}" --rule-collection-group-name "$GROUP_NAME" "${quiet[@]}" "$@"
}

add_rule() {
	az network firewall policy rule-collection-group collection rule add \
		"${group[@]}" --rule-collection-group-name "$GROUP_NAME" "${quiet[@]}" "$@"
}

az extension add --upgrade --name azure-firewall --only-show-errors

if az network firewall policy show "${policy[@]}" "${quiet[@]}" 2>/dev/null; then
	az network firewall policy update "${policy[@]}" --enable-dns-proxy true "${quiet[@]}"
else
	az network firewall policy create "${policy[@]}" --enable-dns-proxy true "${quiet[@]}"
fi

if az network firewall policy rule-collection-group show \
	"${group[@]}" --name "$GROUP_NAME" "${quiet[@]}" 2>/dev/null; then
	az network firewall policy rule-collection-group delete \
		"${group[@]}" --name "$GROUP_NAME" --yes "${quiet[@]}"
fi
az network firewall policy rule-collection-group create \
	"${group[@]}" --name "$GROUP_NAME" --priority "$GROUP_PRIORITY" "${quiet[@]}"

add_collection --name 'never-network' --collection-priority 100 --action Deny \
	--rule-name 'mail' \
	--rule-type NetworkRule \
	--source-addresses '*' \
	--ip-protocols 'TCP' \
	--destination-addresses '*' \
	--destination-ports '25'
add_rule --collection-name 'never-network' --name 'lab' \
	--rule-type NetworkRule \
	--source-addresses '*' \
	--ip-protocols 'Any' \
	--destination-addresses '192.0.2.0/24' \
	--destination-ports '*'

add_collection --name 'team-network' --collection-priority 300 --action Allow \
	--rule-name 'database-addresses' \
	--rule-type NetworkRule \
	--source-addresses '*' \
	--ip-protocols 'TCP' \
	--destination-addresses '198.51.100.16/28' '203.0.113.7' \
	--destination-ports '5432' '6432-6440'
add_rule --collection-name 'team-network' --name 'database-fqdns' \
	--rule-type NetworkRule \
	--source-addresses '*' \
	--ip-protocols 'TCP' \
	--destination-fqdns 'db.example.com' \
	--destination-ports '5432' '6432-6440'
add_rule --collection-name 'team-network' --name 'time' \
	--rule-type NetworkRule \
	--source-addresses '*' \
	--ip-protocols 'UDP' \
	--destination-fqdns 'time.example.com' 'ntp.example.com' \
	--destination-ports '123'
add_rule --collection-name 'team-network' --name 'storage' \
	--rule-type NetworkRule \
	--source-addresses '*' \
	--ip-protocols 'TCP' \
	--destination-addresses 'Storage' \
	--destination-ports '445'
add_rule --collection-name 'team-network' --name 'dns' \
	--rule-type NetworkRule \
	--source-addresses '10.42.1.53' \
	--ip-protocols 'TCP' 'UDP' \
	--destination-addresses '192.0.2.53' \
	--destination-ports '53'
add_rule --collection-name 'team-network' --name 'ping' \
	--rule-type NetworkRule \
	--source-addresses '*' \
	--ip-protocols 'ICMP' \
	--destination-addresses '198.51.100.0/24' \
	--destination-ports '*'

add_collection --name 'aks-network' --collection-priority 1000 --action Allow \
	--rule-name 'tunnel' \
	--rule-type NetworkRule \
	--description 'Tunnel to the control plane.' \
	--source-addresses '*' \
	--ip-protocols 'UDP' \
	--destination-addresses 'AzureCloud.eastus' \
	--destination-ports '1194'

add_collection --name 'never' --collection-priority 101 --action Deny \
	--rule-name 'paste-sites' \
	--rule-type ApplicationRule \
	--source-addresses '*' \
	--protocols Https=443 Http=80 \
	--target-fqdns 'paste.example' '*.paste.example'

add_collection --name 'team' --collection-priority 301 --action Allow \
	--rule-name 'shop' \
	--rule-type ApplicationRule \
	--description 'What the team'\''s shop calls ("für uns", 100% of it, in ${HOME}).' \
	--source-addresses '10.42.1.0/24' \
	--protocols Https=443 Http=80 \
	--target-fqdns 'shop.example' '*.shop.example'
add_rule --collection-name 'team' --name 'builds' \
	--rule-type ApplicationRule \
	--source-addresses '*' \
	--protocols Https=8443 \
	--target-fqdns 'builds.example.net'
add_rule --collection-name 'team' --name 'any-name' \
	--rule-type ApplicationRule \
	--source-addresses '10.42.7.0/24' \
	--protocols Http=80 \
	--target-fqdns '*'

add_collection --name 'aks-fqdn' --collection-priority 1001 --action Allow \
	--rule-name 'api-server' \
	--rule-type ApplicationRule \
	--description 'The API server by name.' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns '*.hcp.eastus.example'
