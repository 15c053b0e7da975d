#!/bin/bash
# Azure Firewall policy as a script of az commands, made by sallyport VERSION
# note: allow rules are for the protected sources only (network.inside.sources)
# note: TLS without a server name (SNI) matches no application rule: what is reached by address needs a network rule
# note: the FQDN tag AzureKubernetesService is not used: what it holds is published nowhere and has lagged behind what clusters need
# note: Azure's own infrastructure names pass without a rule, unless a last application collection denies *
# note: a name may lead to private addresses: private_destinations has no counterpart
# note: run it again to replace the rule collection group $GROUP_NAME by this one; meanwhile what the group allows is denied, and on a firewall in use each command takes minutes: change such a policy by one of the azure-firewall targets, at one stroke
# stricter: old-*-eu.example.org is denied as *-eu.example.org: Azure takes '*' at the left end of a name only (never/old)
# stricter: x-*.lab.example.org is denied as *.lab.example.org: Azure takes '*' at the left end of a name only (never/old)
# stricter: x-*.example.net is left out: Azure takes '*' at the left end of a name only, where it spans any number of labels (web/only-star)

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

add_collection --name 'never' --collection-priority 100 --action Deny \
	--rule-name 'old' \
	--rule-type ApplicationRule \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns '*-eu.example.org' '*.lab.example.org'

add_collection --name 'web' --collection-priority 200 --action Allow \
	--rule-name 'everyone' \
	--rule-type ApplicationRule \
	--source-addresses '10.42.0.0/16' '10.43.0.0/16' \
	--protocols Https=443 \
	--target-fqdns '*.example.org'
add_rule --collection-name 'web' --name 'some' \
	--rule-type ApplicationRule \
	--source-addresses '10.42.1.0/24' \
	--protocols Https=443 \
	--target-fqdns 'some.example.org'
add_rule --collection-name 'web' --name 'wide' \
	--rule-type ApplicationRule \
	--source-addresses '10.42.0.0/16' '10.43.0.0/16' \
	--protocols Https=443 \
	--target-fqdns 'wide.example.org'
