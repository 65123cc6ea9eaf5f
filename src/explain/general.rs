//! What a fix says to whoever has not run midoctor on the machine: which steps are left out, since they are about one case that
//! only a run tells, and what stands in the place of facts that a run would bring.

use crate::azure::cloud::Cloud;
use crate::checks::silence;
use crate::fill::Values;

/// Facts that name one case each. A step or a command that names one of them says little without it.
const ONE_CASE: [&str; 40] = [
    "agent",
    "agent_status",
    "agent_trouble",
    "card_address",
    "chain_variable",
    "changed_unit",
    "denied_program",
    "drop_in",
    "edit_unit",
    "exceptions_in",
    "machine_exceptions",
    "machine_time",
    "made_out_to",
    "more_variables",
    "named_client",
    "nameless",
    "next_unit",
    "not_sent",
    "old_issuer",
    "other_key",
    "other_list",
    "pod_variable",
    "proxies",
    "registry_key",
    "restart_unit",
    "root_above",
    "roots_for_node",
    "roots_for_python",
    "self_signed",
    "set_in",
    "too_long",
    "unit",
    "unusable",
    "user_bypass",
    "user_exceptions",
    "whose",
    "windows_target",
    "winhttp_bypass",
    "winhttp_proxy",
    "workload",
];

/// What stands for facts that are in every fix, said in general.
const IN_GENERAL: [(&str, &str); 9] = [
    ("caller", "the application's user and program"),
    ("enforcing", "Enforce"),
    ("exceptions", "169.254.169.254"),
    ("gateway", "the gateway"),
    ("gateway_root", "the gateway"),
    ("node_clients", "Node.js"),
    ("python_clients", "Azure CLI and Python"),
    ("subject", "the variable"),
    ("what_is_missing", "Where public authorities are missing on the machine's list"),
];

/// Is this step or command about one case, so that it says little to whoever does not know which it is?
pub fn is_about_one_case(template: &str) -> bool {
    silence::is_about_one_reason(template) || ONE_CASE.iter().any(|name| template.contains(&format!("{{{{{name}}}}}")))
}

/// What a fix names when nothing is known of the machine: hosts of the public cloud, and words in general.
pub fn values() -> Values {
    let cloud = Cloud::public();
    let hosts = [
        ("portal", cloud.portal.unwrap_or_default()),
        ("arm_host", &cloud.arm_host),
        ("login_host", cloud.login_hosts[0]),
    ];
    let known = hosts.into_iter().chain(silence::generic()).chain(IN_GENERAL);
    known.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
