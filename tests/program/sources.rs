//! `check --sources`: the table of clients as it is printed. It asks nothing over the network, so it needs none of its own.

use std::process::{Command, Output};

use serde_json::{Value, json};

/// Runs it with these variables and no others.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_midoctor"));
    command.args(["check", "--sources"]).args(arguments).env_clear();
    command.env("LANG", "C.UTF-8").envs(variables.iter().copied()).output().unwrap()
}

fn text(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = run(arguments, variables);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn table(variables: &[(&str, &str)]) -> Value {
    serde_json::from_str(&text(&["-o", "json"], variables)).unwrap()
}

fn row(table: &Value, id: &str) -> Value {
    table["clients"].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone()
}

#[test]
fn with_nothing_set_every_client_asks_the_metadata_service() {
    let text = text(&[], &[]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("  who would sign in, in this shell's environment"), "{text}");
    assert_eq!(
        lines[1..8],
        [
            "",
            "✓ The metadata service",
            "  at       http://169.254.169.254/metadata/identity/oauth2/token",
            "  as       the VM's default identity",
            "",
            "                                                   dropped  no answer    refused",
            "  Python ManagedIdentityCredential                  12.9 s over 112 s      4.9 s",
        ]
    );
    assert_eq!(lines.last(), Some(&"All 20 clients would ask the metadata service."));
    assert!(lines.iter().filter(|line| line.starts_with("  ")).all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn clients_that_do_the_same_share_a_block() {
    let text = text(&[], &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:2579"), ("AZURE_CLIENT_ID", "c")]);
    let blocks: Vec<&str> = text.split("\n\n").filter(|block| block.starts_with(['✓', '!', '✗'])).collect();
    assert_eq!(blocks.len(), 4, "{text}");
    assert_eq!(
        blocks[3],
        "! Another host in place of the metadata service\n\
         \x20 at       http://127.0.0.1:2579/metadata/identity/oauth2/token\n\
         \x20 as       the identity with client ID c\n\
         \x20 because  AZURE_POD_IDENTITY_AUTHORITY_HOST names another host in place of the metadata service\n\
         \x20 by       AZURE_POD_IDENTITY_AUTHORITY_HOST, AZURE_CLIENT_ID\n\
         \x20 clients  DefaultAzureCredential for Python, .NET, Java and Node.js"
    );
    assert!(text.ends_with("\n6 of 20 clients would ask the metadata service, 14 would not.\n"), "{text}");
}

#[test]
fn clients_that_a_proxy_catches_are_told_apart() {
    let text = text(&[], &[("HTTP_PROXY", "http://user:hunter2@proxy.example:3128"), ("NO_PROXY", "169.254.0.0/16")]);
    let blocks: Vec<&str> = text.split("\n\n").filter(|block| block.starts_with(['✓', '!', '✗'])).collect();
    assert_eq!(blocks.len(), 2, "{text}");
    assert!(blocks[1].starts_with(
        "! The metadata service, through a proxy\n\
         \x20 at       http://169.254.169.254/metadata/identity/oauth2/token\n\
         \x20 through  http://proxy.example:3128 (HTTP_PROXY)\n\
         \x20 as       the VM's default identity\n\
         \x20 clients  "
    ));
    assert!(!text.contains("hunter2"));
}

#[test]
fn where_the_locale_is_not_utf_8_the_text_is_ascii() {
    let variables =
        [("LANG", "C"), ("IDENTITY_ENDPOINT", "http://127.0.0.1/ü"), ("AZURE_TOKEN_CREDENTIALS", "nonsense")];
    assert!(text(&[], &variables).is_ascii());
}

#[test]
fn what_a_variable_holds_cannot_reach_the_terminal_unseen() {
    let text = text(&[], &[("IDENTITY_ENDPOINT", "http://h/\u{1b}[31m\u{202e}x"), ("IDENTITY_HEADER", "h")]);
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
}

#[test]
fn as_json_the_table_is_a_document_of_its_own() {
    let variables = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c"), ("AZURE_CLIENT_SECRET", "hunter2")];
    let table = table(&variables);
    assert_eq!(table["schema"], "midoctor.sources/1");
    let environment = json!({
        "of": "own",
        "variables": { "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "(set)" },
        "files": [],
        "unread": [],
    });
    assert_eq!(table["environment"], environment);
    assert_eq!(table["clients"].as_array().unwrap().len(), 20);
    assert_eq!(
        row(&table, "python-default"),
        json!({
            "id": "python-default",
            "name": "Python DefaultAzureCredential",
            "retired": false,
            "source": "service-principal",
            "address": "https://login.microsoftonline.com",
            "identity": { "kind": "application", "client_id": "c" },
            "decided_by": ["AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_CLIENT_ID"],
            "why": "a service principal's secret comes before managed identity",
            "insists": { "dropped": null, "unanswered": null, "refused": null },
        })
    );
    assert_eq!(
        row(&table, "python-managed")["insists"],
        json!({
            "dropped": { "seconds": 12.9, "at_least": false },
            "unanswered": { "seconds": 112.0, "at_least": true },
            "refused": { "seconds": 4.9, "at_least": false },
        })
    );
    assert_eq!(row(&table, "python-managed")["identity"], json!({ "kind": "hosts-default" }));
}

#[test]
fn a_connection_string_is_not_read() {
    let output = text(&["-o", "json"], &[("AzureServicesAuthConnectionString", "RunAs=App;AppKey=hunter2")]);
    assert!(!output.contains("hunter2"));
    let table: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(row(&table, "app-authentication")["source"], "unknown");
}

#[test]
fn alone_in_the_chain_managed_identity_insists_longer() {
    let insists = |value: &str| row(&table(&[("AZURE_TOKEN_CREDENTIALS", value)]), "python-default")["insists"].clone();
    assert_eq!(insists("prod")["dropped"]["seconds"], 1.1);
    assert_eq!(insists("ManagedIdentityCredential")["dropped"]["seconds"], 12.9);
}

#[test]
fn it_goes_with_nothing_that_is_about_a_run() {
    for arguments in [&["--identity", "all"][..], &["--require", "none"], &["--probe", "https://x"], &["-q"], &["-v"]] {
        assert_eq!(run(arguments, &[]).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn both_formats_can_be_written_to_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sources.json");
    let printed = text(&["-o", "text", "-o", &format!("json={}", file.display())], &[]);
    assert!(printed.contains("All 20 clients"));
    let written: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(written, table(&[]));
}
