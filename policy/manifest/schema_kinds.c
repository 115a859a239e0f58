/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "schema.h"

/* Rows of the tables: the name of a field and what it holds. */
#define VALUE(n, t)                                                            \
	{                                                                      \
		.name = (n), .name_len = sizeof(n) - 1, .type = (t)            \
	}
#define TYPED_STRING(n, go)                                                    \
	{                                                                      \
		.name = (n), .name_len = sizeof(n) - 1, .type = SCHEMA_STRING, \
		.go_type = (go)                                                \
	}
#define STRINGS(n)                                                             \
	{                                                                      \
		.name = (n), .name_len = sizeof(n) - 1, .type = SCHEMA_STRING, \
		.is_list = true                                                \
	}
#define TYPED_STRINGS(n, go)                                                   \
	{                                                                      \
		.name = (n), .name_len = sizeof(n) - 1, .type = SCHEMA_STRING, \
		.is_list = true, .go_type = (go)                               \
	}
#define OBJECT(n, o)                                                           \
	{                                                                      \
		.name = (n), .name_len = sizeof(n) - 1, .type = SCHEMA_OBJECT, \
		.object = (o)                                                  \
	}
#define OBJECTS(n, o)                                                          \
	{                                                                      \
		.name = (n), .name_len = sizeof(n) - 1, .type = SCHEMA_OBJECT, \
		.is_list = true, .object = (o)                                 \
	}

/* A table, and whether it names all there is. */
#define CLOSED(go, f)                                                          \
	{                                                                      \
		.go_type = (go), .fields = (f),                                \
		.n_fields = sizeof(f) / sizeof((f)[0])                         \
	}
#define OPEN(go, f)                                                            \
	{                                                                      \
		.go_type = (go), .fields = (f),                                \
		.n_fields = sizeof(f) / sizeof((f)[0]), .is_open = true        \
	}

/* ---- metadata ----------------------------------------------------------- */

static const struct schema_field owner_reference_fields[] = {
	VALUE("apiVersion", SCHEMA_STRING),
	VALUE("kind", SCHEMA_STRING),
	VALUE("name", SCHEMA_STRING),
	TYPED_STRING("uid", "types.UID"),
	VALUE("controller", SCHEMA_BOOL),
	VALUE("blockOwnerDeletion", SCHEMA_BOOL),
};
static const struct schema owner_reference =
	CLOSED("OwnerReference", owner_reference_fields);

/* managedFields describes itself; nobody writes it by hand. */
static const struct schema managed_fields = {
	.go_type = "ManagedFieldsEntry",
	.is_open = true,
};

static const struct schema_field metadata_fields[] = {
	VALUE("name", SCHEMA_STRING),
	VALUE("generateName", SCHEMA_STRING),
	VALUE("namespace", SCHEMA_STRING),
	VALUE("selfLink", SCHEMA_STRING),
	TYPED_STRING("uid", "types.UID"),
	VALUE("resourceVersion", SCHEMA_STRING),
	VALUE("generation", SCHEMA_INT64),
	VALUE("creationTimestamp", SCHEMA_TIME),
	VALUE("deletionTimestamp", SCHEMA_TIME),
	VALUE("deletionGracePeriodSeconds", SCHEMA_INT64),
	VALUE("labels", SCHEMA_STRING_MAP),
	VALUE("annotations", SCHEMA_STRING_MAP),
	OBJECTS("ownerReferences", &owner_reference),
	STRINGS("finalizers"),
	OBJECTS("managedFields", &managed_fields),
};
static const struct schema metadata = CLOSED("ObjectMeta", metadata_fields);

/* Of annotations, only one says anything here. */
static const struct schema_field mode_fields[] = {
	VALUE(MODE_ANNOTATION, SCHEMA_STRING),
};
static const struct schema mode = OPEN("map[string]string", mode_fields);

/* Of the other kinds, what API-41 lists, and of owners who makes a pod. */
static const struct schema_field any_owner_reference_fields[] = {
	VALUE("kind", SCHEMA_STRING),
	VALUE("name", SCHEMA_STRING),
	VALUE("controller", SCHEMA_BOOL),
};
static const struct schema any_owner_reference =
	OPEN("OwnerReference", any_owner_reference_fields);

static const struct schema_field any_metadata_fields[] = {
	VALUE("name", SCHEMA_STRING),
	VALUE("namespace", SCHEMA_STRING),
	TYPED_STRING("uid", "types.UID"),
	VALUE("resourceVersion", SCHEMA_STRING),
	VALUE("generation", SCHEMA_INT64),
	VALUE("creationTimestamp", SCHEMA_TIME),
	VALUE("deletionTimestamp", SCHEMA_TIME),
	VALUE("labels", SCHEMA_STRING_MAP),
	OBJECTS("ownerReferences", &any_owner_reference),
};
static const struct schema any_metadata =
	OPEN("ObjectMeta", any_metadata_fields);

/* The same of what has a mode: of policies, and of who has policies. */
static const struct schema_field moded_metadata_fields[] = {
	VALUE("name", SCHEMA_STRING),
	VALUE("namespace", SCHEMA_STRING),
	TYPED_STRING("uid", "types.UID"),
	VALUE("resourceVersion", SCHEMA_STRING),
	VALUE("generation", SCHEMA_INT64),
	VALUE("creationTimestamp", SCHEMA_TIME),
	VALUE("deletionTimestamp", SCHEMA_TIME),
	VALUE("labels", SCHEMA_STRING_MAP),
	OBJECT("annotations", &mode),
};
static const struct schema moded_metadata =
	OPEN("ObjectMeta", moded_metadata_fields);

/* ---- network policies --------------------------------------------------- */

static const struct schema_field match_expression_fields[] = {
	VALUE("key", SCHEMA_STRING),
	TYPED_STRING("operator", "v1.LabelSelectorOperator"),
	STRINGS("values"),
};
static const struct schema match_expression =
	CLOSED("LabelSelectorRequirement", match_expression_fields);

static const struct schema_field label_selector_fields[] = {
	VALUE("matchLabels", SCHEMA_STRING_MAP),
	OBJECTS("matchExpressions", &match_expression),
};
static const struct schema label_selector =
	CLOSED("LabelSelector", label_selector_fields);

static const struct schema_field ip_block_fields[] = {
	VALUE("cidr", SCHEMA_STRING),
	STRINGS("except"),
};
static const struct schema ip_block = CLOSED("IPBlock", ip_block_fields);

static const struct schema_field peer_fields[] = {
	OBJECT("podSelector", &label_selector),
	OBJECT("namespaceSelector", &label_selector),
	OBJECT("ipBlock", &ip_block),
};
static const struct schema peer = CLOSED("NetworkPolicyPeer", peer_fields);

static const struct schema_field port_fields[] = {
	TYPED_STRING("protocol", "v1.Protocol"),
	VALUE("port", SCHEMA_INT_OR_STRING),
	VALUE("endPort", SCHEMA_INT32),
};
static const struct schema port = CLOSED("NetworkPolicyPort", port_fields);

static const struct schema_field ingress_rule_fields[] = {
	OBJECTS("ports", &port),
	OBJECTS("from", &peer),
};
static const struct schema ingress_rule =
	CLOSED("NetworkPolicyIngressRule", ingress_rule_fields);

static const struct schema_field egress_rule_fields[] = {
	OBJECTS("ports", &port),
	OBJECTS("to", &peer),
};
static const struct schema egress_rule =
	CLOSED("NetworkPolicyEgressRule", egress_rule_fields);

static const struct schema_field policy_spec_fields[] = {
	OBJECT("podSelector", &label_selector),
	OBJECTS("ingress", &ingress_rule),
	OBJECTS("egress", &egress_rule),
	TYPED_STRINGS("policyTypes", "v1.PolicyType"),
};
static const struct schema policy_spec =
	CLOSED("NetworkPolicySpec", policy_spec_fields);

/* Gone from the API, but dumps of older servers have `status: {}`. */
static const struct schema policy_status = {
	.go_type = "NetworkPolicyStatus",
	.is_open = true,
};

static const struct schema_field policy_fields[] = {
	VALUE("apiVersion", SCHEMA_STRING), VALUE("kind", SCHEMA_STRING),
	OBJECT("metadata", &metadata),	    OBJECT("spec", &policy_spec),
	OBJECT("status", &policy_status),
};
static const struct schema policy = CLOSED("NetworkPolicy", policy_fields);

/* What a server hands out: the server may be newer than we are, and know more
   about every object. What a policy says is no less closed for that. */
static const struct schema_field served_policy_fields[] = {
	VALUE("apiVersion", SCHEMA_STRING),
	VALUE("kind", SCHEMA_STRING),
	OBJECT("metadata", &moded_metadata),
	OBJECT("spec", &policy_spec),
};
static const struct schema served_policy =
	OPEN("NetworkPolicy", served_policy_fields);

/* ---- pods --------------------------------------------------------------- */

static const struct schema_field container_port_fields[] = {
	VALUE("name", SCHEMA_STRING),
	VALUE("containerPort", SCHEMA_INT32),
	TYPED_STRING("protocol", "v1.Protocol"),
};
static const struct schema container_port =
	OPEN("ContainerPort", container_port_fields);

static const struct schema_field container_fields[] = {
	OBJECTS("ports", &container_port),
	TYPED_STRING("restartPolicy", "v1.ContainerRestartPolicy"),
};
static const struct schema container = OPEN("Container", container_fields);

static const struct schema_field pod_spec_fields[] = {
	VALUE("nodeName", SCHEMA_STRING),
	VALUE("hostNetwork", SCHEMA_BOOL),
	OBJECTS("containers", &container),
	OBJECTS("initContainers", &container),
};
static const struct schema pod_spec = OPEN("PodSpec", pod_spec_fields);

static const struct schema_field pod_ip_fields[] = {
	VALUE("ip", SCHEMA_STRING),
};
static const struct schema pod_ip = OPEN("PodIP", pod_ip_fields);

static const struct schema_field pod_status_fields[] = {
	TYPED_STRING("phase", "v1.PodPhase"),
	VALUE("podIP", SCHEMA_STRING),
	OBJECTS("podIPs", &pod_ip),
};
static const struct schema pod_status = OPEN("PodStatus", pod_status_fields);

static const struct schema_field pod_fields[] = {
	VALUE("apiVersion", SCHEMA_STRING), VALUE("kind", SCHEMA_STRING),
	OBJECT("metadata", &any_metadata),  OBJECT("spec", &pod_spec),
	OBJECT("status", &pod_status),
};
static const struct schema pod = OPEN("Pod", pod_fields);

/* ---- namespaces and nodes ----------------------------------------------- */

static const struct schema_field namespace_status_fields[] = {
	TYPED_STRING("phase", "v1.NamespacePhase"),
};
static const struct schema namespace_status =
	OPEN("NamespaceStatus", namespace_status_fields);

static const struct schema_field namespace_fields[] = {
	VALUE("apiVersion", SCHEMA_STRING),
	VALUE("kind", SCHEMA_STRING),
	OBJECT("metadata", &moded_metadata),
	OBJECT("status", &namespace_status),
};
static const struct schema namespace = OPEN("Namespace", namespace_fields);

static const struct schema_field node_address_fields[] = {
	VALUE("address", SCHEMA_STRING),
};
static const struct schema node_address =
	OPEN("NodeAddress", node_address_fields);

static const struct schema_field node_status_fields[] = {
	OBJECTS("addresses", &node_address),
};
static const struct schema node_status = OPEN("NodeStatus", node_status_fields);

static const struct schema_field node_spec_fields[] = {
	STRINGS("podCIDRs"),
};
static const struct schema node_spec = OPEN("NodeSpec", node_spec_fields);

static const struct schema_field node_fields[] = {
	VALUE("apiVersion", SCHEMA_STRING), VALUE("kind", SCHEMA_STRING),
	OBJECT("metadata", &any_metadata),  OBJECT("spec", &node_spec),
	OBJECT("status", &node_status),
};
static const struct schema node = OPEN("Node", node_fields);

const struct schema *schema_of(enum object_kind kind)
{
	static const struct schema *const schemas[N_OBJECT_KINDS] = {
		[OBJECT_POD] = &pod,
		[OBJECT_NAMESPACE] = &namespace,
		[OBJECT_NETWORK_POLICY] = &policy,
		[OBJECT_NODE] = &node,
	};

	return schemas[kind];
}

const struct schema *schema_of_served(enum object_kind kind)
{
	return kind == OBJECT_NETWORK_POLICY ? &served_policy : schema_of(kind);
}

const struct schema *schema_of_names(void)
{
	static const struct schema_field fields[] = {
		VALUE("apiVersion", SCHEMA_STRING),
		VALUE("kind", SCHEMA_STRING),
		OBJECT("metadata", &any_metadata),
	};
	static const struct schema names = OPEN("Object", fields);

	return &names;
}
