//! `--probe`: every data service, every denial, each told apart from the others. In process.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{ending, finding, play, rows};
use midoctor::check::Status;
use midoctor::render;
use midoctor::report::Report;
use midoctor::simulator::CANARY;

const KEY_VAULT: &str = "https://kv.vault.azure.net";
const SECRET: &str = "https://kv.vault.azure.net/secrets/s1";
const BLOBS: &str = "https://acct.blob.core.windows.net/photos";
const QUEUE: &str = "https://acct.queue.core.windows.net/orders";
const TABLE: &str = "https://acct.table.core.windows.net/prices";
const LAKE: &str = "https://acct.dfs.core.windows.net/lake";
const REGISTRY: &str = "https://reg.azurecr.io";
const BUS: &str = "https://ns.servicebus.windows.net/orders";
const STORE: &str = "https://cfg.azconfig.io";
const COSMOS: &str = "https://db.documents.azure.com";
const OTHER_TENANT: &str = "c4a1b9e6-0d37-4f82-a5be-63d9e8f71204";

/// A probe of this URL, of a service in this state, by an identity with this role on the resource group.
fn probe(url: &str, state: &str, role: &str) -> Report {
    let host = url::Url::parse(url).unwrap().host_str().unwrap().to_owned();
    let role = match role {
        "" => String::new(),
        role => format!("[[assignment]]\nrole = \"{role}\"\nscope = \"resource-group\"\n"),
    };
    play(&format!("[command]\nprobe = [\"{url}\"]\n{role}\n[[data]]\nhost = \"{host}\"\n{state}\n"))
}

fn lines(report: &Report) -> Vec<String> {
    finding(report, "data").remedy.commands.iter().map(|command| command.line.clone()).collect()
}

#[test]
fn a_role_on_the_data_lets_the_identity_in() {
    for (url, state, role) in [
        (KEY_VAULT, "", "Key Vault Secrets User"),
        (SECRET, "", "Key Vault Secrets User"),
        (BLOBS, "", "Storage Blob Data Reader"),
        (QUEUE, "", "Storage Queue Data Reader"),
        (TABLE, "", "Storage Table Data Reader"),
        (LAKE, "", "Storage Blob Data Reader"),
        (REGISTRY, "", "AcrPull"),
        (BUS, "", "Azure Service Bus Data Owner"),
        (STORE, "", "App Configuration Data Reader"),
        (COSMOS, "access = \"admits\"", ""),
        ("https://kv.managedhsm.azure.net", "access = \"admits\"", ""),
    ] {
        let report = probe(url, state, role);
        assert_eq!(
            (ending(&report, "data").0, report.exit_code),
            (Status::Pass, 0),
            "{url}: {:?}",
            rows(&report, "data")
        );
        let printed = render::json::render(&report).unwrap();
        assert!(!printed.contains(CANARY), "{url}: what is in the data is nobody's business");
    }
}

/// Reader on the account is the commonest wrong answer to a missing role on its data.
#[test]
fn a_role_on_the_management_plane_does_not() {
    for (url, role, scope, line) in [
        (SECRET, "Key Vault Secrets User", Some("Microsoft.KeyVault/vaults/kv"), ""),
        (KEY_VAULT, "Key Vault Secrets User", Some("Microsoft.KeyVault/vaults/kv"), ""),
        ("https://kv.vault.azure.net/keys", "Key Vault Crypto User", Some("Microsoft.KeyVault/vaults/kv"), ""),
        (BLOBS, "Storage Blob Data Reader", None, "\"$(az storage account show --name acct --query id --output tsv)\""),
        (
            QUEUE,
            "Storage Queue Data Reader",
            None,
            "\"$(az storage account show --name acct --query id --output tsv)\"",
        ),
        (
            TABLE,
            "Storage Table Data Reader",
            None,
            "\"$(az storage account show --name acct --query id --output tsv)\"",
        ),
        (LAKE, "Storage Blob Data Reader", None, "\"$(az storage account show --name acct --query id --output tsv)\""),
        (STORE, "App Configuration Data Reader", None, "\"$(az appconfig show --name cfg --query id --output tsv)\""),
    ] {
        let report = probe(url, "", "Owner");
        assert_eq!(ending(&report, "data"), (Status::Fail, "role-data-plane"), "{url}");
        assert_eq!(report.root_cause.as_deref(), Some("role-data-plane"));
        let lines = lines(&report);
        let create: Vec<&String> = lines.iter().filter(|line| line.contains("az role assignment create")).collect();
        let [create] = create[..] else { panic!("{url}: {lines:?}") };
        assert!(create.contains(&format!("--role '{role}'")), "{create}");
        match scope {
            Some(scope) => assert!(create.to_lowercase().ends_with(&scope.to_lowercase()), "{create}"),
            None => assert!(create.ends_with(line), "{create}"),
        }
    }
    let cosmos = lines(&probe(COSMOS, "", "Owner"));
    assert!(cosmos.iter().any(|line| line.starts_with("az cosmosdb sql role assignment create --account-name db ")));
    let registry = probe(REGISTRY, "", "AcrPush");
    assert_eq!(ending(&registry, "data").0, Status::Pass, "who may push may pull");
    assert_eq!(ending(&probe(REGISTRY, "", ""), "data"), (Status::Fail, "role-data-plane"));
}

#[test]
fn a_vault_with_access_policies_gets_a_policy_and_no_role() {
    for (url, line) in [
        (SECRET, "--secret-permissions get"),
        (KEY_VAULT, "--secret-permissions list"),
        ("https://kv.vault.azure.net/keys", "--key-permissions list"),
        ("https://kv.vault.azure.net/certificates", "--certificate-permissions list"),
    ] {
        let report = probe(url, "access = \"policy\"", "Key Vault Administrator");
        assert_eq!(ending(&report, "data"), (Status::Fail, "role-data-plane"), "{url}");
        let lines = lines(&report);
        assert!(
            lines.iter().any(|one| one.starts_with("az keyvault set-policy --name kv ") && one.ends_with(line)),
            "{lines:?}"
        );
        assert!(!lines.iter().any(|one| one.contains("role assignment")), "{lines:?}");
    }
}

#[test]
fn the_network_is_told_from_a_missing_role() {
    for (url, role) in [
        (SECRET, "Key Vault Secrets User"),
        (BLOBS, "Storage Blob Data Reader"),
        (QUEUE, "Storage Queue Data Reader"),
        (TABLE, "Storage Table Data Reader"),
        (LAKE, "Storage Blob Data Reader"),
        (REGISTRY, "AcrPull"),
        (BUS, "Azure Service Bus Data Owner"),
        (STORE, "App Configuration Data Reader"),
        (COSMOS, ""),
    ] {
        for network in ["firewall", "private", "silent", "refused"] {
            let report = probe(url, &format!("network = \"{network}\""), role);
            assert_eq!(ending(&report, "data"), (Status::Fail, "network-blocked"), "{url} {network}");
            assert!(!finding(&report, "data").remedy.steps.is_empty(), "{url} {network}");
        }
        let report = probe(url, "network = \"unknown-name\"", role);
        assert_eq!(ending(&report, "data"), (Status::Fail, "dns-failure"), "{url}");
        for certificate in ["stranger", "expired", "other-name"] {
            let report = probe(url, &format!("certificate = \"{certificate}\""), role);
            assert_eq!(ending(&report, "data"), (Status::Fail, "tls-intercepted"), "{url} {certificate}");
        }
    }
}

#[test]
fn a_private_endpoint_whose_name_leads_to_a_public_address_is_sent_to_its_zone() {
    let report = probe(SECRET, "network = \"private\"", "Key Vault Secrets User");
    let found = finding(&report, "data");
    assert!(found.seen.ends_with("The name leads to 20.50.1.10."), "{}", found.seen);
    assert!(
        found.remedy.text.contains("link the private DNS zone privatelink.vaultcore.azure.net"),
        "{}",
        found.remedy.text
    );
    let steps = &probe(SECRET, "network = \"firewall\"", "Key Vault Secrets User");
    assert!(finding(steps, "data").remedy.text.contains("the firewall of the vault kv"));
}

#[test]
fn nobody_is_sent_a_token_who_is_not_there_or_not_trusted() {
    for state in ["network = \"silent\"", "network = \"unknown-name\"", "certificate = \"stranger\""] {
        let report = probe(SECRET, state, "Key Vault Secrets User");
        let sent = report.evidence.exchanges.iter().filter(|exchange| {
            let midoctor::evidence::Request::Http(http) = &exchange.request else { return false };
            http.url.contains("kv.vault") && http.bearer.is_some()
        });
        assert_eq!(sent.count(), 0, "{state}");
    }
}

#[test]
fn a_vault_of_another_tenant_is_told_with_both_tenants() {
    let report = probe(SECRET, &format!("tenant = \"{OTHER_TENANT}\""), "Key Vault Secrets User");
    assert_eq!(ending(&report, "data"), (Status::Fail, "cloud-mismatch"));
    let found = finding(&report, "data");
    assert!(
        found.seen.contains("7f3c2a10-5b4e-4d0a-9c61-2e8f0b7d1a55") && found.seen.contains(OTHER_TENANT),
        "{}",
        found.seen
    );
    assert!(found.remedy.steps.iter().any(|step| step.contains("The key vault kv still trusts another tenant")));
    for url in [BLOBS, STORE, COSMOS] {
        let report = probe(url, &format!("tenant = \"{OTHER_TENANT}\""), "Owner");
        assert_eq!(ending(&report, "data"), (Status::Fail, "cloud-mismatch"), "{url}");
    }
}

#[test]
fn a_service_that_wants_another_audience_is_told() {
    let toml = "[command]\nprobe = [\"https://api.contoso.com/health\"]\nresource = [\"graph\"]\ntrust_host = [\"api.contoso.com\"]\n\
                [[data]]\nhost = \"api.contoso.com\"\naccess = \"admits\"\naudience = ";
    let report = play(&format!("{toml}\"https://graph.microsoft.com\"\n"));
    assert_eq!((ending(&report, "data").0, report.exit_code), (Status::Pass, 0), "{:?}", rows(&report, "data"));
    let report = play(&format!("{toml}\"https://vault.azure.net\"\n"));
    assert_eq!(ending(&report, "data").0, Status::Fail, "{:?}", rows(&report, "data"));
    assert_eq!(finding(&report, "data").code, "audience-mismatch");
}

#[test]
fn what_no_harmless_request_can_show_is_unknown_and_says_what_would() {
    let report = probe("https://acct.blob.core.windows.net", "", "Reader");
    let (status, summary) = ending(&report, "data");
    assert_eq!((status, report.exit_code), (Status::Unknown, 3));
    assert!(summary.contains("name a container, queue or table in the URL"), "{summary}");
    let report = probe(BUS, "", "Azure Service Bus Data Sender");
    let (status, summary) = ending(&report, "data");
    assert_eq!(status, Status::Unknown);
    assert!(summary.contains("whether the identity may send or receive is not tried"), "{summary}");
    let report = probe("https://kv.vault.azure.cn", "", "Key Vault Secrets User");
    let (status, summary) = ending(&report, "data");
    assert_eq!(status, Status::Unknown);
    assert!(summary.contains("no token was sent there"), "{summary}");
}

#[test]
fn probes_need_no_role_on_the_vm_when_none_is_required() {
    let toml = format!(
        "roles = []\n[command]\nprobe = [\"{SECRET}\"]\nrequire = [\"none\"]\n\
         [[assignment]]\nrole = \"Key Vault Secrets User\"\nscope = \"resource-group\"\n[[data]]\nhost = \"kv.vault.azure.net\"\n"
    );
    let report = play(&toml);
    assert_eq!((report.exit_code, ending(&report, "data").0), (0, Status::Pass), "{:?}", report.checks);
    assert_eq!(ending(&report, "arm").0, Status::Skip);
}
