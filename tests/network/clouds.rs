//! Other clouds by their real names: what is wrong there is told with that cloud's addresses, and no other cloud is asked.

use crate::namespace::simulator::{Ran, Services, check, examine};
use crate::namespace::{Case, place};

const GOVERNMENT: &str = "AzureUSGovernmentCloud";
const CHINA: &str = "AzureChinaCloud";
const LOCAL: &str = "management.local.contoso.com";
const TENANT: &str = "7f3c2a10-5b4e-4d0a-9c61-2e8f0b7d1a55";
/// Hosts of the public cloud alone. Its v1 issuer is Azure Government's too.
const PUBLIC: [&str; 7] = [
    "portal.azure.com",
    "management.azure.com",
    "management.core.windows.net",
    "login.microsoftonline.com",
    "vault.azure.net",
    "blob.core.windows.net",
    "graph.microsoft.com",
];

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("role missing in Azure Government names its portal", || {
            role_missing(GOVERNMENT, "management.usgovcloudapi.net", "https://portal.azure.us");
        }),
        Case::new("role missing in China names its portal", || {
            role_missing(CHINA, "management.chinacloudapi.cn", "https://portal.azure.cn");
        }),
        Case::new("no identity in China names its portal", no_identity),
        Case::new("no role on a key vault of Azure Government", vault_in_government),
        Case::new("unknown name of the manager of Azure Government", unknown_name),
        Case::new("token of the public cloud's issuer in China", foreign_issuer),
        Case::new("key vault of the public cloud probed in China is sent no token", foreign_vault),
        Case::new("unknown cloud without an address of its manager", unknown_cloud),
        Case::new("unknown cloud with the address of its manager", local_cloud),
        Case::new("unknown cloud with the address of its manager and no role", local_cloud_without_role),
        Case::new("role missing in Bleu", bleu),
    ]
}

/// Questions over TLS went to these hosts, and to no other.
fn assert_only(services: &Services, hosts: &[&str]) {
    let asked = services.asked();
    for line in asked.iter().filter(|line| line.contains(" https://")) {
        assert!(hosts.iter().any(|host| line.contains(&format!(" https://{host}/"))), "{line}");
    }
    for host in hosts {
        assert!(!services.asked_at(host).is_empty(), "{host} was asked: {asked:?}");
    }
}

fn assert_nothing_public(ran: &Ran) {
    for host in PUBLIC {
        assert!(!ran.text.contains(host), "{host} is in\n{}", ran.text);
    }
}

/// The steps of the root cause's remedy, one after the other.
fn steps(ran: &Ran, id: &str) -> String {
    ran.check(id)["findings"][0]["remedy"]["steps"].to_string()
}

fn role_missing(cloud: &str, manager: &str, portal: &str) {
    let services = Services::start(&format!("cloud = \"{cloud}\"\nroles = []"), &[], |_| {});
    let ran = examine(&mut check(Some(&services.authority), &[]));
    ran.assert_end(1, "unhealthy", "role-missing");
    assert!(steps(&ran, "reader").contains(&format!("Or use the portal ({portal}): ")), "{}", ran.text);
    assert_nothing_public(&ran);
    assert_only(&services, &[manager]);
}

fn no_identity() {
    let services = Services::start(&format!("cloud = \"{CHINA}\"\nsystem_assigned = false"), &[], |_| {});
    let ran = examine(&mut check(Some(&services.authority), &[]));
    ran.assert_end(1, "unhealthy", "identity-none");
    assert!(steps(&ran, "identity").contains("Azure portal (https://portal.azure.cn) > "), "{}", ran.text);
    assert_nothing_public(&ran);
    assert_only(&services, &["management.chinacloudapi.cn"]);
}

fn vault_in_government() {
    let vault = "kv-doctor.vault.usgovcloudapi.net";
    let services = Services::start(&format!("cloud = \"{GOVERNMENT}\"\n[[data]]\nhost = \"{vault}\""), &[], |_| {});
    place::names_lead_to_loopback(&[vault]);
    let ran = examine(&mut check(Some(&services.authority), &["--probe", &format!("https://{vault}")]));
    ran.assert_end(1, "unhealthy", "role-data-plane");
    assert_nothing_public(&ran);
    assert_only(&services, &["management.usgovcloudapi.net", vault]);
}

fn unknown_name() {
    let services = Services::start(&format!("cloud = \"{GOVERNMENT}\""), &[], |_| {});
    place::names_lead(&[("management.azure.com", "127.0.0.1"), ("management.chinacloudapi.cn", "127.0.0.1")]);
    let ran = examine(&mut check(Some(&services.authority), &[]));
    ran.assert_end(1, "unhealthy", "dns-failure");
    let finding = &ran.check("arm")["findings"][0];
    assert!(finding["seen"].to_string().contains("management.usgovcloudapi.net"), "{finding}");
    assert_nothing_public(&ran);
    assert_only(&services, &[]);
}

fn foreign_issuer() {
    let issuer = format!("https://sts.windows.net/{TENANT}/");
    let services = Services::start(&format!("cloud = \"{CHINA}\"\n[token]\nissuer = \"{issuer}\""), &[], |_| {});
    let ran = examine(&mut check(Some(&services.authority), &[]));
    ran.assert_end(1, "unhealthy", "cloud-mismatch");
    let seen = ran.check("validity")["findings"][0]["seen"].to_string();
    let expected = format!("https://sts.chinacloudapi.cn/{TENANT}/");
    assert!(seen.contains(&issuer) && seen.contains(&expected), "{seen}");
    assert_only(&services, &["management.chinacloudapi.cn"]);
}

/// It is asked who it is, without a token, and that is all.
fn foreign_vault() {
    let vault = "kv-doctor.vault.azure.net";
    let services = Services::start(&format!("cloud = \"{CHINA}\"\n[[data]]\nhost = \"{vault}\""), &[], |_| {});
    place::names_lead_to_loopback(&[vault]);
    let ran = examine(&mut check(Some(&services.authority), &["--probe", &format!("https://{vault}")]));
    ran.assert_end(3, "undetermined", "");
    assert_eq!(ran.check("data")["status"], "unknown");
    assert!(ran.check("data")["summary"].to_string().contains("so no token was sent there"), "{}", ran.text);
    let asked = services.asked_at(vault);
    assert!(asked.len() == 1 && asked[0].ends_with(" 401"), "{asked:?}");
    assert_only(&services, &["management.chinacloudapi.cn", vault]);
}

fn unknown_cloud() {
    let services = Services::start("cloud = \"AzureStack\"", &[], |_| {});
    let ran = examine(&mut check(Some(&services.authority), &[]));
    ran.assert_end(3, "undetermined", "");
    assert!(ran.text.contains("“AzureStack”") && ran.text.contains("--arm-endpoint"), "{}", ran.text);
    assert_nothing_public(&ran);
    assert_only(&services, &[]);
}

fn local(roles: &str) -> (Services, Ran) {
    let toml = format!("cloud = \"AzureStack\"\n{roles}\n[command]\narm_endpoint = \"https://{LOCAL}\"");
    let services = Services::start(&toml, &[], |_| {});
    place::names_lead_to_loopback(&[LOCAL]);
    let ran = examine(&mut check(Some(&services.authority), &["--arm-endpoint", &format!("https://{LOCAL}")]));
    assert_nothing_public(&ran);
    assert_only(&services, &[LOCAL]);
    (services, ran)
}

fn local_cloud() {
    local("").1.assert_end(0, "healthy", "");
}

/// The portal's address is not known there, so a step that needs it is left out or does without.
fn local_cloud_without_role() {
    let ran = local("roles = []").1;
    ran.assert_end(1, "unhealthy", "role-missing");
    let steps = steps(&ran, "reader");
    assert!(steps.contains("Grant the identity at least Reader") && !steps.contains("{{"), "{steps}");
}

fn bleu() {
    let endpoint = "https://management.sovcloud-api.fr";
    let toml = format!("cloud = \"AzureBleu\"\nroles = []\n[command]\narm_endpoint = \"{endpoint}\"");
    let services = Services::start(&toml, &[], |_| {});
    let ran = examine(&mut check(Some(&services.authority), &["--arm-endpoint", endpoint]));
    ran.assert_end(1, "unhealthy", "role-missing");
    assert!(steps(&ran, "reader").contains("https://portal.sovcloud-azure.fr"), "{}", ran.text);
    assert_nothing_public(&ran);
    assert_only(&services, &["management.sovcloud-api.fr"]);
}
