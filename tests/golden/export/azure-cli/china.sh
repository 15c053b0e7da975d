#!/bin/bash
# Azure Firewall policy as a script of az commands, made by sallyport VERSION for cloud china, region chinaeast2; edition 2024-05-20
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

add_collection --name 'aks-network' --collection-priority 1000 --action Allow \
	--rule-name 'tunnel-udp' \
	--rule-type NetworkRule \
	--description 'Tunnel from the nodes to the control plane (UDP part).' \
	--source-addresses '*' \
	--ip-protocols 'UDP' \
	--destination-addresses 'AzureCloud.chinaeast2' \
	--destination-ports '1194'
add_rule --collection-name 'aks-network' --name 'tunnel-tcp' \
	--rule-type NetworkRule \
	--description 'Tunnel from the nodes to the control plane (TCP part).' \
	--source-addresses '*' \
	--ip-protocols 'TCP' \
	--destination-addresses 'AzureCloud.chinaeast2' \
	--destination-ports '9000'
add_rule --collection-name 'aks-network' --name 'tunnel-ssh' \
	--rule-type NetworkRule \
	--description 'Tunnel from the nodes to the control plane (SSH part).' \
	--source-addresses '*' \
	--ip-protocols 'TCP' \
	--destination-addresses 'AzureCloud.chinaeast2' \
	--destination-ports '22'

add_collection --name 'aks-fqdn' --collection-priority 1001 --action Allow \
	--rule-name 'api-server' \
	--rule-type ApplicationRule \
	--description 'The API server by name; also the konnectivity agents'\'' way to the control plane.' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns '*.hcp.chinaeast2.cx.prod.service.azk8s.cn'
add_rule --collection-name 'aks-fqdn' --name 'api-server-tunnel' \
	--rule-type ApplicationRule \
	--description 'The control plane'\''s end of the tunnel, by name.' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns '*.tun.chinaeast2.cx.prod.service.azk8s.cn'
add_rule --collection-name 'aks-fqdn' --name 'mcr' \
	--rule-type ApplicationRule \
	--description 'Microsoft'\''s container registry, home of the cluster'\''s own images (CoreDNS and others).' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'mcr.microsoft.com'
add_rule --collection-name 'aks-fqdn' --name 'mcr-data' \
	--rule-type ApplicationRule \
	--description 'Image layers of Microsoft'\''s container registry, delivered from its CDN.' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns '*.data.mcr.microsoft.com'
add_rule --collection-name 'aks-fqdn' --name 'azure-management' \
	--rule-type ApplicationRule \
	--description 'Azure Resource Manager, which Kubernetes asks for disks, addresses and load balancers.' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'management.chinacloudapi.cn'
add_rule --collection-name 'aks-fqdn' --name 'entra-login' \
	--rule-type ApplicationRule \
	--description 'Sign-in of the cluster'\''s identities with Microsoft Entra.' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'login.chinacloudapi.cn'
add_rule --collection-name 'aks-fqdn' --name 'microsoft-packages' \
	--rule-type ApplicationRule \
	--description 'Microsoft'\''s package repository, from which nodes install through apt.' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns 'packages.microsoft.com'
add_rule --collection-name 'aks-fqdn' --name 'azk8s-mirror' \
	--rule-type ApplicationRule \
	--description 'Download of node binaries from the mirrors inside this cloud.' \
	--source-addresses '*' \
	--protocols Https=443 \
	--target-fqdns '*.azk8s.cn'
