#!/bin/bash
# Azure Firewall policy as a script of az commands, made by sallyport VERSION
# note: the collections have new priorities, in the same order: equal ones at the end of the range left no room
# note: TLS without a server name (SNI) matches no application rule: what is reached by address needs a network rule
# note: the FQDN tag AzureKubernetesService is not used: what it holds is published nowhere and has lagged behind what clusters need
# note: Azure's own infrastructure names pass without a rule, unless a last application collection denies *
# note: a name may lead to private addresses: private_destinations has no counterpart
# note: run it again to replace the rule collection group $GROUP_NAME by this one; meanwhile what the group allows is denied, and on a firewall in use each command takes minutes: change such a policy by one of the azure-firewall targets, at one stroke

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

add_collection --name 'edges' --collection-priority 100 --action Allow \
	--rule-name 'quotes' \
	--rule-type ApplicationRule \
	--description 'it'\''s "so" '\''n'\'' \ that'\''s it\' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'a.example'
add_rule --collection-name 'edges' --name 'templates' \
	--rule-type ApplicationRule \
	--description ' ${HOME} %{if} $${x} $(id) `id` {{x}}' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'a.example'
add_rule --collection-name 'edges' --name 'expression' \
	--rule-type ApplicationRule \
	--description ' [resourceGroup().id]' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'a.example'
add_rule --collection-name 'edges' --name 'file' \
	--rule-type ApplicationRule \
	--description ' @/etc/passwd' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'a.example'
add_rule --collection-name 'edges' --name 'option' \
	--rule-type ApplicationRule \
	--description ' --help' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'a.example'
add_rule --collection-name 'edges' --name 'lines' \
	--rule-type ApplicationRule \
	--description 'one two  three   ]]> */ -->' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'a.example'
add_rule --collection-name 'edges' --name 'letters' \
	--rule-type ApplicationRule \
	--description 'für 日本 😀' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'a.example'
add_rule --collection-name 'edges' --name 'blank' \
	--rule-type ApplicationRule \
	--description '  ' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'a.example'
add_rule --collection-name 'edges' --name 'rule' \
	--rule-type ApplicationRule \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'a.example'
add_rule --collection-name 'edges' --name 'Quotes-2' \
	--rule-type ApplicationRule \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'a.example'
add_rule --collection-name 'edges' --name 'a234567890123456789012345678901234567890123456789012345678901234' \
	--rule-type ApplicationRule \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'a.example'

add_collection --name 'last' --collection-priority 130 --action Allow \
	--rule-name 'b' \
	--rule-type ApplicationRule \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'b.example'
