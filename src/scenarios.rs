//! The scenarios that `demo` and `simulate` play: a healthy VM, the example of every code on the pages, and variants of some.
//!
//! Only finds and parses them; the simulator plays them.

use crate::check::Check;
use crate::checks;
use crate::nearest::unknown;
use crate::options;
use crate::page::{self, Section};
use crate::plan::Plan;
use crate::simulator::Scenario;

/// A scenario by name.
pub struct Named {
    /// `healthy`, a code, or a code with what differs.
    pub name: &'static str,
    /// One sentence.
    pub title: &'static str,
    /// The check whose page it is on; none for a healthy VM.
    pub check: Option<&'static Check>,
    section: Option<&'static Section>,
    toml: &'static str,
}

/// Healthy VMs, which no page has.
const HEALTHY: [(&str, &str, &str); 7] = [
    ("healthy", "Everything works, with the system-assigned identity.", ""),
    (
        "healthy-user-assigned",
        "Everything works, with one user-assigned identity.",
        "system_assigned = false\nuser_assigned = [\"id-app\"]\n",
    ),
    (
        "healthy-both",
        "Everything works, with the system-assigned identity and a user-assigned one.",
        "user_assigned = [\"id-app\"]\n",
    ),
    (
        "healthy-data",
        "Everything works, with a key vault, a storage container and a container registry that let the identity in.",
        concat!(
            "[command]\nprobe = [\"https://kv-doctor.vault.azure.net\", \"https://stdoctor.blob.core.windows.net/reports\", ",
            "\"https://crdoctor.azurecr.io\"]\n",
            "[[assignment]]\nrole = \"Key Vault Secrets User\"\nscope = \"resource-group\"\n",
            "[[assignment]]\nrole = \"Storage Blob Data Reader\"\nscope = \"resource-group\"\n",
            "[[assignment]]\nrole = \"AcrPull\"\nscope = \"resource-group\"\n",
            "[[data]]\nhost = \"kv-doctor.vault.azure.net\"\n",
            "[[data]]\nhost = \"stdoctor.blob.core.windows.net\"\n",
            "[[data]]\nhost = \"crdoctor.azurecr.io\"\n",
        ),
    ),
    (
        "healthy-government",
        "Everything works in Azure Government, with a key vault.",
        concat!(
            "cloud = \"AzureUSGovernmentCloud\"\n[command]\nprobe = [\"https://kv-doctor.vault.usgovcloudapi.net\"]\n",
            "[[assignment]]\nrole = \"Key Vault Secrets User\"\nscope = \"resource-group\"\n",
            "[[data]]\nhost = \"kv-doctor.vault.usgovcloudapi.net\"\n",
        ),
    ),
    (
        "healthy-china",
        "Everything works in Azure operated by 21Vianet, with a storage container.",
        concat!(
            "cloud = \"AzureChinaCloud\"\n[command]\nprobe = [\"https://stdoctor.blob.core.chinacloudapi.cn/reports\"]\n",
            "[[assignment]]\nrole = \"Storage Blob Data Reader\"\nscope = \"resource-group\"\n",
            "[[data]]\nhost = \"stdoctor.blob.core.chinacloudapi.cn\"\n",
        ),
    ),
    (
        "healthy-bleu",
        "Everything works in Bleu, whose Azure Resource Manager is named on the command line.",
        // What the metadata service calls Bleu is not known; this name is made up.
        "cloud = \"AzureBleu\"\n[command]\narm_endpoint = \"https://management.sovcloud-api.fr\"\n",
    ),
];

/// More machines with an illness whose page has an example already: what explains it differs. The check comes first.
const VARIANTS: [(&str, &str, &str, &str); 5] = [
    (
        "metadata",
        "imds-timeout-no-route",
        "No route leads to the metadata service.",
        "metadata = \"unroutable\"\n[network]\nway = { kind = \"no-route\" }\nroutes = []\n",
    ),
    (
        "metadata",
        "imds-timeout-second-card",
        "A second network card took the default route.",
        concat!(
            "metadata = \"silent\"\n[network]\n",
            "way = { kind = \"leaves\", interface = \"eth1\", gateway = \"10.0.2.1\", source = \"10.0.2.4\" }\n",
            "interfaces = [{ name = \"eth0\", up = true, addresses = [\"10.0.1.4/24\"] }, ",
            "{ name = \"eth1\", up = true, addresses = [\"10.0.2.4/24\"] }]\n",
            "routes = [{ to = \"0.0.0.0/0\", interface = \"eth1\", gateway = \"10.0.2.1\", kind = \"leaves\" }]\n",
        ),
    ),
    (
        "metadata",
        "imds-timeout-link-local",
        "Automatic link-local addresses on a second network card take the metadata service's address.",
        concat!(
            "metadata = \"silent\"\n[network]\n",
            "way = { kind = \"leaves\", interface = \"eth1\", source = \"169.254.7.9\" }\n",
            "interfaces = [{ name = \"eth0\", up = true, addresses = [\"10.0.1.4/24\"] }, ",
            "{ name = \"eth1\", up = true, addresses = [\"169.254.7.9/16\"] }]\n",
            "routes = [{ to = \"0.0.0.0/0\", interface = \"eth0\", gateway = \"10.0.1.1\", kind = \"leaves\" }, ",
            "{ to = \"169.254.0.0/16\", interface = \"eth1\", kind = \"leaves\" }]\n",
        ),
    ),
    (
        "metadata",
        "imds-timeout-firewall",
        "A rule of the packet filter drops what goes to the metadata service.",
        concat!(
            "metadata = \"silent\"\n[[rule]]\neffect = \"drops\"\nchain = \"inet hardening output\"\n",
            "rule = \"ip daddr 169.254.0.0/16 drop\"\n",
        ),
    ),
    (
        "metadata",
        "imds-refused-redirect",
        "AAD Pod Identity's redirect was left behind, and its agent is gone.",
        concat!(
            "metadata = \"refused\"\n[[rule]]\neffect = { redirects = \"127.0.0.1:2579\" }\nchain = \"ip nat aad-metadata\"\n",
            "rule = \"ip daddr 169.254.169.254 tcp dport 80 dnat to 127.0.0.1:2579\"\n",
        ),
    ),
];

/// All scenarios, in the order of the catalogue.
pub fn all() -> Vec<Named> {
    let healthy =
        HEALTHY.into_iter().map(|(name, title, toml)| Named { name, title, check: None, section: None, toml });
    let sick = checks::all().flat_map(|check| {
        let sections = page::of(check).sections.iter().filter(|section| section.example.is_some());
        let examples = sections.map(move |section| Named {
            name: &section.code,
            title: &section.title,
            check: Some(check),
            section: Some(section),
            toml: "",
        });
        let variants = VARIANTS.into_iter().filter(move |(id, ..)| *id == check.id);
        examples.chain(variants.map(move |(_, name, title, toml)| Named {
            name,
            title,
            check: Some(check),
            section: None,
            toml,
        }))
    });
    healthy.chain(sick).collect()
}

/// Finds a scenario.
///
/// # Errors
/// A sentence that says what is accepted, with the nearest name.
pub fn find(name: &str) -> Result<Named, String> {
    let mut all = all();
    if let Some(index) = all.iter().position(|scenario| scenario.name == name) {
        return Ok(all.swap_remove(index));
    }
    let names: Vec<&str> = all.iter().map(|scenario| scenario.name).collect();
    Err(unknown(name, "not a scenario", &names, "midoctor demo"))
}

/// What a scenario's command line asks for.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn plan(scenario: &Scenario) -> Result<Plan, String> {
    let command = &scenario.command;
    let plan = options::plan(&command.identity, &command.resource, &command.require)?;
    let named = !command.resource.is_empty();
    let plan = Plan { through_proxy: command.verbose, ..plan };
    let mut plan =
        options::with_endpoints(plan, named, &command.probe, &command.trust_host, command.arm_endpoint.as_deref())?;
    let pid = command.pid.map(|pid| pid.to_string());
    plan.environment = options::whose(pid.as_deref(), command.unit.as_deref())?;
    Ok(plan)
}

impl Named {
    /// What is simulated.
    ///
    /// # Errors
    /// What is wrong with the page's example, which the contract test rules out.
    pub fn scenario(&self) -> Result<Scenario, String> {
        let example = self.section.and_then(|section| section.example.as_ref());
        let http: Vec<&str> = example.iter().flat_map(|example| example.http.iter().map(String::as_str)).collect();
        let toml = example.map_or(Some(self.toml), |example| example.toml.as_deref());
        Scenario::parse(toml, &http).map_err(|why| format!("the example of {} cannot be played: {why}", self.name))
    }
}
