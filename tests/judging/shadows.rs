//! Variables and files that lead clients away from the VM's managed identity: which finding each makes, and whom it names. In
//! process.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{ending, finding, play, rows};
use midoctor::check::Status;
use midoctor::report::{FindingReport, Report};

/// The user-assigned identity of the VM, and two that it does not have.
const APP: &str = "6a2d5f84-3c19-4b7a-9e02-d8f1c0b6e573";
const OTHER: &str = "0f9e8d7c-6b5a-4938-8271-605f4e3d2c1b";
const CHAINS: &str = "DefaultAzureCredential for Python, .NET, Java, Node.js and Go";

/// A VM with a system-assigned and a user-assigned identity, and these variables.
fn with(variables: &str) -> Report {
    play(&format!("user_assigned = [\"id-app\"]\n[environment]\n{variables}"))
}

/// What the findings say was seen; all of them are `env-shadowed`.
fn seen(report: &Report) -> Vec<&str> {
    let findings: Vec<&FindingReport> = rows(report, "environment").into_iter().flat_map(|row| &row.findings).collect();
    assert!(findings.iter().all(|finding| finding.code == "env-shadowed"), "{findings:?}");
    findings.into_iter().map(|finding| finding.seen.as_str()).collect()
}

#[test]
fn a_variable_that_leads_clients_away_is_named_with_them_and_where_they_go() {
    for (variables, expected) in [
        (
            "IDENTITY_ENDPOINT = \"http://127.0.0.1:41999/msi/token\"\nIDENTITY_HEADER = \"left-over\"",
            "IDENTITY_ENDPOINT is set to http://127.0.0.1:41999/msi/token: the Azure SDKs for Python, .NET, Java, Node.js, Go and \
             Rust, MSAL for Python, MSAL for Node.js, Azure CLI, Azure PowerShell, and AppAuthentication ask App Service's token \
             endpoint at http://127.0.0.1:41999/msi/token.",
        ),
        (
            "IDENTITY_ENDPOINT = \"http://127.0.0.1:41999/msi/token\"",
            "IDENTITY_ENDPOINT is set to http://127.0.0.1:41999/msi/token: ManagedIdentityCredential for Python fails at once: \
             IDENTITY_ENDPOINT stands alone, “No managed identity endpoint found”; DefaultAzureCredential for Python takes no \
             managed identity and looks for a developer's sign-in.",
        ),
        (
            "IDENTITY_ENDPOINT = \"http://127.0.0.1:40342/t\"\nIMDS_ENDPOINT = \"http://127.0.0.1:40342\"",
            "IDENTITY_ENDPOINT is set to http://127.0.0.1:40342/t: the Azure SDKs for Python, .NET, Java, Node.js and Go, MSAL \
             for Python, MSAL for Node.js, Azure CLI, and Azure PowerShell ask the Azure Arc agent at http://127.0.0.1:40342/t; \
             the Azure SDK for Rust fails at once: “Azure Arc managed identity isn't supported”.",
        ),
        (
            "MSI_ENDPOINT = \"http://127.0.0.1:41741/MSI/token/\"\nMSI_SECRET = \"s\"",
            "MSI_ENDPOINT is set to http://127.0.0.1:41741/MSI/token/: the Azure SDKs for Python, Node.js and Go, MSAL for Python, \
             MSAL for Node.js, and Azure CLI ask Azure Machine Learning's token endpoint at http://127.0.0.1:41741/MSI/token; the \
             Azure SDK for .NET, and Azure PowerShell fail at once: “The DEFAULT_IDENTITY_CLIENT_ID environment variable is \
             null”, as Azure ML would set it; the Azure SDK for Java, and msrestazure ask Cloud Shell's token endpoint at \
             http://127.0.0.1:41741/MSI/token; the Azure SDK for Rust fails at once: “Azure ML managed identity isn't supported”; \
             go-autorest asks App Service's token endpoint at http://127.0.0.1:41741/MSI/token.",
        ),
        (
            "MSI_ENDPOINT = \"http://localhost:8081/oauth2/token\"",
            "MSI_ENDPOINT is set to http://localhost:8081/oauth2/token: the Azure SDKs for Python, .NET, Java, Node.js and Go, \
             MSAL for Node.js, Azure PowerShell, msrestazure, and go-autorest ask Cloud Shell's token endpoint at \
             http://localhost:8081/oauth2/token; the Azure SDK for Rust fails at once: “CloudShell managed identity isn't \
             supported”.",
        ),
        (
            "AZURE_POD_IDENTITY_AUTHORITY_HOST = \"http://127.0.0.1:2579\"",
            "AZURE_POD_IDENTITY_AUTHORITY_HOST is set to http://127.0.0.1:2579: the Azure SDKs for Python, .NET, Java and Node.js, \
             MSAL for Python, MSAL for Node.js, Azure CLI, and Azure PowerShell ask \
             http://127.0.0.1:2579/metadata/identity/oauth2/token in place of the metadata service.",
        ),
        (
            "AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_ID = \"c\"\nAZURE_CLIENT_SECRET = \"s\"",
            "AZURE_CLIENT_SECRET is set: DefaultAzureCredential for Python, .NET, Java, Node.js and Go, and go-autorest sign in at \
             https://login.microsoftonline.com as the application c.",
        ),
        (
            "AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_ID = \"c\"\nAZURE_CLIENT_CERTIFICATE_PATH = \"/etc/sp.pem\"\n\
             AZURE_AUTHORITY_HOST = \"https://login.microsoftonline.us/\"",
            "AZURE_CLIENT_CERTIFICATE_PATH is set to /etc/sp.pem: DefaultAzureCredential for Python, .NET, Java, Node.js and Go \
             sign in at https://login.microsoftonline.us as the application c.",
        ),
        (
            "AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_ID = \"c\"\nAZURE_FEDERATED_TOKEN_FILE = \"/run/token\"",
            "AZURE_FEDERATED_TOKEN_FILE is set to /run/token: the Azure SDKs for .NET, Java and Node.js, DefaultAzureCredential \
             for Python and Go, and Azure PowerShell sign in at https://login.microsoftonline.com as the application c, by \
             workload identity.",
        ),
        (
            "AZURE_TOKEN_CREDENTIALS = \"dev\"",
            "AZURE_TOKEN_CREDENTIALS is set to dev: DefaultAzureCredential for Python, .NET, Java, Node.js and Go take no managed \
             identity and look for a developer's sign-in.",
        ),
        (
            "AZURE_TOKEN_CREDENTIALS = \"IntelliJCredential\"",
            "AZURE_TOKEN_CREDENTIALS is set to IntelliJCredential: DefaultAzureCredential for Python, .NET, Node.js and Go fail at \
             once: “Invalid value for AZURE_TOKEN_CREDENTIALS”; DefaultAzureCredential for Java takes no managed identity and \
             looks for a developer's sign-in.",
        ),
        (
            "MSI_ENDPOINT = \"\"",
            "MSI_ENDPOINT is set to nothing: ManagedIdentityCredential for Go, and msrestazure fail at once: MSI_ENDPOINT is set and \
             holds no address; DefaultAzureCredential for Go takes no managed identity and looks for a developer's sign-in; the \
             Azure SDK for Rust fails at once: “CloudShell managed identity isn't supported”.",
        ),
    ] {
        assert_eq!(seen(&with(variables)), [expected], "{variables}");
    }
}

#[test]
fn variables_that_lead_nobody_away_are_no_finding() {
    for variables in [
        "AZURE_TOKEN_CREDENTIALS = \"prod\"",
        "AZURE_TOKEN_CREDENTIALS = \"ManagedIdentityCredential\"",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST = \"http://169.254.169.254/\"",
        "AZURE_TENANT_ID = \"t\"\nAZURE_AUTHORITY_HOST = \"https://login.microsoftonline.us\"",
        "IMDS_ENDPOINT = \"http://127.0.0.1:40342\"\nIDENTITY_HEADER = \"x\"\nMSI_SECRET = \"x\"",
        // Azure Cloud Shell itself.
        "ACC_CLOUD = \"PROD\"\nAZUREPS_HOST_ENVIRONMENT = \"cloud-shell/1.0\"",
        // No library is known to read it.
        "MSAL_MANAGED_IDENTITY_ENDPOINT = \"http://127.0.0.1:1\"",
        // It can just as well ask for the managed identity.
        "AzureServicesAuthConnectionString = \"RunAs=App\"",
        // Only libraries that are retired take these for set.
        "IDENTITY_ENDPOINT = \"\"\nMSI_ENDPOINT = \"\"",
        "AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_SECRET = \"s\"",
        "AZURE_CERTIFICATE_PATH = \"/etc/sp.pem\"",
    ] {
        assert_eq!(ending(&with(variables), "environment").0, Status::Pass, "{variables}");
    }
}

#[test]
fn the_retired_port_is_left_to_the_check_that_speaks_of_it() {
    let report = with("MSI_ENDPOINT = \"http://localhost:50342/oauth2/token\"");
    assert_eq!(ending(&report, "environment").0, Status::Pass);
    assert_eq!(ending(&report, "retired"), (Status::Fail, "legacy-endpoint"));
}

#[test]
fn a_client_id_of_another_vm_is_told_with_those_who_obey_it() {
    let variable = |id: &str| format!("AZURE_CLIENT_ID = \"{id}\"");
    let asks = format!("{CHAINS}, and go-autorest ask the metadata service for the identity with client ID {OTHER}");
    let expected = format!("AZURE_CLIENT_ID is set to {OTHER}: {asks}, which this VM does not have.");
    assert_eq!(seen(&with(&variable(OTHER))), [expected]);
    assert_eq!(ending(&with(&variable(APP)), "environment").0, Status::Pass);
}

#[test]
fn where_azure_resource_manager_does_not_tell_the_metadata_service_is_asked() {
    let silent = |client: &str| {
        play(&format!("user_assigned = [\"id-app\"]\nroles = []\n[environment]\nAZURE_CLIENT_ID = \"{client}\"\n"))
    };
    let asked = |report: &Report, client: &str| {
        let named = format!("client_id={client}");
        let urls = report.evidence.exchanges.iter().filter_map(|exchange| exchange.request.url());
        urls.filter(|url| url.contains(&named)).count()
    };
    let report = silent(OTHER);
    assert!(seen(&report)[0].ends_with(", which this VM does not have."), "{:?}", seen(&report));
    assert_eq!((ending(&report, "metadata").0, asked(&report, OTHER)), (Status::Pass, 1));
    let report = silent(APP);
    assert_eq!(ending(&report, "environment").0, Status::Pass);
    assert_eq!((ending(&report, "metadata").0, asked(&report, APP)), (Status::Pass, 1));
    // Nothing more is asked where nobody would ask so, or no client ID is meant.
    assert_eq!(asked(&play(""), ""), 0);
    assert_eq!(asked(&silent("my-app"), ""), 0);
    let principal = format!(
        "AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_ID = \"{OTHER}\"\nAZURE_POD_IDENTITY_AUTHORITY_HOST = \"http://127.0.0.1:1\""
    );
    assert_eq!(asked(&with(&principal), OTHER), 1, "go-autorest and Go ask all the same");
    // A VM without any identity has one illness, not two.
    let none = play(&format!("system_assigned = false\n[environment]\nAZURE_CLIENT_ID = \"{OTHER}\"\n"));
    assert_eq!(ending(&none, "identity"), (Status::Fail, "identity-none"));
    assert_eq!(ending(&none, "environment").0, Status::Pass);
}

#[test]
fn a_client_id_of_another_identity_than_the_one_checked_is_told() {
    let system = "1b6f8d23-94a5-4c7e-a0d1-5e3c2b7f9a60";
    let report = |checked: &str, client: &str| {
        play(&format!(
            "user_assigned = [\"id-app\"]\n[environment]\nAZURE_CLIENT_ID = \"{client}\"\n[command]\nidentity = [\"{checked}\"]"
        ))
    };
    let expected = format!(
        "AZURE_CLIENT_ID is set to {system}: {CHAINS}, and go-autorest ask the metadata service for the identity with client ID \
         {system}, not for the one that is checked."
    );
    assert_eq!(seen(&report(APP, system)), [expected]);
    for (checked, client) in [(APP, APP), ("all", APP), (APP, &*APP.to_uppercase())] {
        assert_eq!(ending(&report(checked, client), "environment").0, Status::Pass, "{checked} {client}");
    }
}

#[test]
fn two_variables_make_two_findings() {
    let report =
        with("AZURE_TOKEN_CREDENTIALS = \"dev\"\nAZURE_POD_IDENTITY_AUTHORITY_HOST = \"http://127.0.0.1:2579\"");
    let variables: Vec<&str> = seen(&report).iter().map(|text| text.split(' ').next().unwrap()).collect();
    assert_eq!(variables, ["AZURE_POD_IDENTITY_AUTHORITY_HOST", "AZURE_TOKEN_CREDENTIALS"]);
}

#[test]
fn a_secret_is_told_to_be_set_and_no_more() {
    let report = with("AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_ID = \"c\"\nAZURE_CLIENT_SECRET = \"hunter2\"");
    assert!(!serde_json::to_string(&report).unwrap().contains("hunter2"));
    let empty = with("AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_ID = \"c\"\nAZURE_CLIENT_SECRET = \"\"");
    let expected = "AZURE_CLIENT_SECRET is set to nothing: DefaultAzureCredential for Python fails at once: one of the service \
                    principal's variables is set to nothing.";
    assert_eq!(seen(&empty)[0], expected);
}

#[test]
fn the_remedy_spares_a_pod_that_uses_workload_identity() {
    let leave =
        "Leave AZURE_FEDERATED_TOKEN_FILE alone in a pod that uses workload identity in Azure Kubernetes Service";
    let pod = with("AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_ID = \"c\"\nAZURE_FEDERATED_TOKEN_FILE = \"/run/token\"");
    assert!(finding(&pod, "environment").remedy.steps[1].starts_with(leave));
    let other = with("AZURE_TOKEN_CREDENTIALS = \"dev\"");
    assert!(finding(&other, "environment").remedy.steps.iter().all(|step| !step.contains("pod that uses")));
}

#[test]
fn another_credential_is_the_remedy_only_where_it_does_not_obey_the_variable() {
    let advice = "Or use `ManagedIdentityCredential` in place of `DefaultAzureCredential`: it does not obey ";
    for (variables, variable) in [
        ("AZURE_TOKEN_CREDENTIALS = \"dev\"", Some("AZURE_TOKEN_CREDENTIALS")),
        ("AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_ID = \"c\"\nAZURE_CLIENT_SECRET = \"s\"", Some("AZURE_CLIENT_SECRET")),
        ("AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_ID = \"c\"\nAZURE_FEDERATED_TOKEN_FILE = \"/f\"", None),
        ("IDENTITY_ENDPOINT = \"http://127.0.0.1/t\"\nIDENTITY_HEADER = \"h\"", None),
    ] {
        let report = with(variables);
        let steps = &finding(&report, "environment").remedy.steps;
        let advised = steps.iter().find_map(|step| step.strip_prefix(advice)?.strip_suffix('.'));
        assert_eq!(advised, variable, "{variables}");
    }
}

#[test]
fn where_the_azure_arc_agent_is_installed_some_clients_ask_it() {
    let report = play("[files]\n\"/opt/azcmagent/bin/himds\" = \"program\"");
    let finding = finding(&report, "environment");
    assert_eq!(
        finding.seen,
        "/opt/azcmagent/bin/himds is there: the Azure SDK for Python, MSAL for Python, and Azure CLI ask the Azure Arc agent at \
         http://localhost:40342/metadata/identity/oauth2/token; the Azure SDKs for .NET and Node.js, MSAL for Node.js, and Azure \
         PowerShell ask the Azure Arc agent at http://127.0.0.1:40342/metadata/identity/oauth2/token."
    );
    assert!(finding.remedy.steps.iter().any(|step| step.contains("uninstall the agent, /opt/azcmagent/bin/himds")));
    assert_eq!(finding.remedy.commands, []);
}

#[test]
fn a_pod_that_signs_in_by_workload_identity_is_told_so_and_not_to_take_it_out() {
    let pod = "AZURE_TENANT_ID = \"t\"\nAZURE_CLIENT_ID = \"c\"\nAZURE_FEDERATED_TOKEN_FILE = \"/run/token\"\n\
               AZURE_AUTHORITY_HOST = \"https://login.microsoftonline.com/\"\n";
    let report = with(&format!("{pod}KUBERNETES_SERVICE_HOST = \"10.0.0.1\"\n"));
    assert_eq!(ending(&report, "environment"), (Status::Warn, "env-shadowed"));
    let found = finding(&report, "environment");
    assert!(found.remedy.commands.is_empty(), "{:?}", found.remedy.commands);
    assert!(!found.remedy.steps.iter().any(|step| step.starts_with("Take ")), "{:?}", found.remedy.steps);
    let meant = "it signs in by AZURE_FEDERATED_TOKEN_FILE, and that is meant so.";
    assert!(found.remedy.steps.iter().any(|step| step.contains(meant)), "{:?}", found.remedy.steps);
    assert_eq!(report.exit_code, 0);
    // On a VM without Kubernetes it is a left-over.
    assert_eq!(ending(&with(pod), "environment"), (Status::Fail, "env-shadowed"));
}

#[test]
fn the_variables_that_come_next_are_named_with_the_first() {
    let one = "IDENTITY_ENDPOINT = \"http://127.0.0.1:41999/msi/token\"\nIDENTITY_HEADER = \"left-over\"\n";
    let next = |variables: &str| {
        let report = with(variables);
        let steps = &rows(&report, "environment")[0].findings[0].remedy.steps;
        steps.iter().find(|step| step.starts_with("Without ")).cloned()
    };
    assert_eq!(next(one), None);
    let two = format!(
        "{one}MSI_ENDPOINT = \"http://127.0.0.1:4242/\"\nAZURE_POD_IDENTITY_AUTHORITY_HOST = \"http://127.0.0.1:2579\"\n"
    );
    assert_eq!(
        next(&two).as_deref(),
        Some(
            "Without IDENTITY_ENDPOINT the same clients would be led away by AZURE_POD_IDENTITY_AUTHORITY_HOST and MSI_ENDPOINT \
             next: take these out as well."
        )
    );
}

#[test]
fn where_no_identity_is_named_the_one_of_the_environment_is_pointed_at() {
    let ambiguous = "system_assigned = false\nuser_assigned = [\"id-app\", \"id-batch\"]\n";
    let commands = |variables: &str| -> Vec<String> {
        let report = play(&format!("{ambiguous}[environment]\n{variables}"));
        let found = finding(&report, "identity");
        assert_eq!(found.code, "identity-ambiguous");
        found
            .remedy
            .commands
            .iter()
            .map(|command| command.line.clone())
            .filter(|line| line.starts_with("midoctor"))
            .collect()
    };
    assert_eq!(commands(&format!("AZURE_CLIENT_ID = \"{APP}\"\n")), [format!("midoctor --identity {APP}")]);
    assert!(commands("AZURE_CLIENT_ID = \"my app\"\n").is_empty());
    assert!(commands("").is_empty());
}
