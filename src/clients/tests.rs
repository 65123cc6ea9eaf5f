//! The rules, as tables: which variables and files lead which client where. The same table is held against the real clients for
//! Python and Node.js in the interop suite.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The rows for these variables, written `NAME=value NAME=value`; a word that starts with a slash is a file.
fn rows(words: &str) -> Vec<Row> {
    let mut variables = BTreeMap::new();
    let mut files = BTreeSet::new();
    for word in words.split_whitespace() {
        match word.split_once('=') {
            Some((name, value)) => drop(variables.insert(name.to_owned(), value.to_owned())),
            None => drop(files.insert(word.to_owned())),
        }
    }
    table(&Setting { variables: &variables, files: &files })
}

/// Where the clients go, in the order of the table, by a letter each; without Python's asyncio.
fn letters(words: &str) -> String {
    rows(words).iter().filter(|row| !row.id.starts_with("python-aio")).map(letter).collect()
}

fn letter(row: &Row) -> char {
    match row.source {
        Source::Metadata => 'm',
        Source::OtherHost => 'o',
        Source::AppService => 'a',
        Source::ServiceFabric => 'f',
        Source::CloudShell => 'c',
        Source::MachineLearning => 'l',
        Source::AzureArc => 'r',
        Source::Retired => 'x',
        Source::WorkloadIdentity => 'w',
        Source::ServicePrincipal => 's',
        Source::User => 'u',
        Source::DeveloperTools => 'd',
        Source::Unknown => '?',
        Source::Nowhere => '-',
    }
}

fn row(words: &str, id: &str) -> Row {
    rows(words).into_iter().find(|row| row.id == id).unwrap()
}

const ENDPOINT: &str = "IDENTITY_ENDPOINT=http://h/token";
const FABRIC: &str = "IDENTITY_ENDPOINT=https://h/token IDENTITY_HEADER=h \
                      IDENTITY_SERVER_THUMBPRINT=EC367305E039132E36CEA67F64D48B979D304D70";
const AGENT: &str = "/opt/azcmagent/bin/himds";

#[test]
fn each_client_picks_its_source_by_its_own_rules() {
    // Python, .NET, Java, Node.js, Go: managed and default; Rust; MSAL Python and Node.js; CLI; PowerShell; the three retired.
    for (words, expected) in [
        (String::new(), "mm mm mm mm mm m mm m m mmm"),
        (format!("{ENDPOINT} IDENTITY_HEADER=h"), "aa aa aa aa aa a aa a a mam"),
        (format!("{ENDPOINT} IDENTITY_HEADER=h MSI_ENDPOINT=http://m"), "aa aa aa aa aa a aa a a cac"),
        (ENDPOINT.to_owned(), "-d mm mm mm mm m mm m m mmm"),
        (format!("{ENDPOINT} {AGENT}"), "-d rr mm rr mm m rr r r mmm"),
        (format!("{ENDPOINT} IMDS_ENDPOINT=http://i"), "rr rr rr rr rr - rr r r mmm"),
        (FABRIC.to_owned(), "ff ff ff ff ff - ff f f mam"),
        (format!("{FABRIC} IDENTITY_API_VERSION=1"), "ff ff ff ff ff - ff f f mfm"),
        (format!("{FABRIC} AZURE_CLIENT_ID=c"), "f- f- ff fd fd - ff f f mam"),
        ("MSI_ENDPOINT=http://m".to_owned(), "cc cc cc cc cc - mc m c cmc"),
        ("MSI_ENDPOINT=http://m AZURE_CLIENT_ID=c".to_owned(), "cc c- cd cd cd - mc m c cmc"),
        ("MSI_ENDPOINT=http://m MSI_SECRET=s".to_owned(), "ll -- cc ll ll - ll l - cma"),
        ("MSI_ENDPOINT=http://localhost:50342/oauth2/token".to_owned(), "xx xx xx xx xx - mx m x xmx"),
        ("MSI_ENDPOINT=http://localhost:50342/oauth2/token ACC_CLOUD=P".to_owned(), "cc cc cc cc cc - mc d c cmc"),
        ("MSI_SECRET=s IDENTITY_HEADER=h IMDS_ENDPOINT=i".to_owned(), "mm mm mm mm mm m mm m m mmm"),
        (AGENT.to_owned(), "rr rr mm rr mm m rr r r mmm"),
        (format!("{AGENT} AZURE_CLIENT_ID=c"), "rr r- mm rr mm m rr r r mmm"),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST=http://p".to_owned(), "oo oo oo oo mm m oo o o mmm"),
        ("APPSETTING_WEBSITE_SITE_NAME=site".to_owned(), "mm mm mm mm mm m mm m m -mm"),
        ("AzureServicesAuthConnectionString=x".to_owned(), "mm mm mm mm mm m mm m m m?m"),
        ("ACC_CLOUD=PROD".to_owned(), "mm mm mm mm mm m mm d m mmm"),
        ("ACC_CLOUD=PROD AZUREPS_HOST_ENVIRONMENT=cloud-shell/1.0".to_owned(), "mm mm mm mm mm m mm c m mmm"),
    ] {
        assert_eq!(letters(&words), expected.replace(' ', ""), "{words}");
    }
}

#[test]
fn asyncio_does_as_python_does_but_where_msal_would_look_again() {
    let http_fabric = FABRIC.replace("https", "http");
    for (words, python, asyncio) in [
        (String::new(), "mm", "mm"),
        (format!("{ENDPOINT} IDENTITY_HEADER=h"), "aa", "aa"),
        (ENDPOINT.to_owned(), "-d", "-d"),
        ("MSI_ENDPOINT=http://m".to_owned(), "cc", "cc"),
        ("MSI_ENDPOINT=http://m MSI_SECRET=s".to_owned(), "ll", "ll"),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST=http://p".to_owned(), "oo", "oo"),
        (AGENT.to_owned(), "rr", "mm"),
        (http_fabric, "--", "ff"),
        (format!("{ENDPOINT} IMDS_ENDPOINT=http://i MSI_ENDPOINT=http://m MSI_SECRET=s"), "ll", "rr"),
        ("MSI_ENDPOINT= MSI_SECRET=".to_owned(), "-d", "mm"),
        ("AZURE_CLIENT_ID=c AZURE_USERNAME=u AZURE_PASSWORD=p".to_owned(), "mu", "mm"),
        ("AZURE_TOKEN_CREDENTIALS=InteractiveBrowserCredential".to_owned(), "md", "m-"),
        ("AZURE_TENANT_ID=t AZURE_CLIENT_ID=c AZURE_CLIENT_SECRET=s".to_owned(), "ms", "ms"),
        ("AZURE_TENANT_ID=t AZURE_CLIENT_ID=c AZURE_FEDERATED_TOKEN_FILE=/f".to_owned(), "mw", "mw"),
    ] {
        let all: String = rows(&words).iter().take(4).map(letter).collect();
        assert_eq!(all, format!("{python}{asyncio}"), "{words}");
    }
}

#[test]
fn a_variable_that_is_set_to_nothing_counts_for_some() {
    for (words, expected) in [
        ("IDENTITY_ENDPOINT= MSI_ENDPOINT=", "mm mm mm mm mm m mm m m -mm"),
        ("MSI_ENDPOINT=", "mm mm mm mm -d - mm m m -mm"),
        ("MSI_ENDPOINT= MSI_SECRET=", "-d mm mm mm -d - -m - m -mm"),
        ("IDENTITY_ENDPOINT=http://h IDENTITY_HEADER=", "-d mm mm mm aa a am a m mmm"),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST=", "-d mm mm mm mm m -m - m mmm"),
        ("AZURE_TOKEN_CREDENTIALS=", "mm mm mm mm m- m mm m m mmm"),
        ("AZURE_TENANT_ID=t AZURE_CLIENT_ID=c AZURE_CLIENT_SECRET=", "m- mm mm mm mm m mm m m mmm"),
    ] {
        assert_eq!(letters(words), expected.replace(' ', ""), "{words}");
    }
}

#[test]
fn a_chain_takes_what_comes_before_managed_identity() {
    const SECRET: &str = "AZURE_TENANT_ID=t AZURE_CLIENT_ID=c AZURE_CLIENT_SECRET=s";
    const FILE: &str = "AZURE_TENANT_ID=t AZURE_CLIENT_ID=c AZURE_FEDERATED_TOKEN_FILE=/f";
    for (words, expected) in [
        (SECRET.to_owned(), "ms ms ms ms ms m mm m m mms"),
        ("AZURE_TENANT_ID=t AZURE_CLIENT_SECRET=s".to_owned(), "mm mm mm mm mm m mm m m mm-"),
        (SECRET.replace("CLIENT_SECRET=", "CLIENT_CERTIFICATE_PATH="), "ms ms ms ms ms m mm m m mmm"),
        (SECRET.replace("CLIENT_SECRET=", "CERTIFICATE_PATH="), "mm mm mm mm mm m mm m m mms"),
        ("AZURE_CLIENT_ID=c AZURE_USERNAME=u AZURE_PASSWORD=p".to_owned(), "mu mm mu mm mm m mm m m mmu"),
        (
            "AZURE_TENANT_ID=t AZURE_CLIENT_ID=c AZURE_USERNAME=u AZURE_PASSWORD=p".to_owned(),
            "mu mu mu mu mu m mm m m mmu",
        ),
        (FILE.to_owned(), "mw ww ww ww mw m mm m w mmm"),
        (format!("{FILE} AZURE_AUTHORITY_HOST=https://l"), "ww ww ww ww mw m mm m w mmm"),
        (FILE.replace("AZURE_CLIENT_ID=c", "AZURE_AUTHORITY_HOST=https://l"), "-- mm -d mm mm m mm m m mmm"),
        (format!("{SECRET} AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential"), "mm mm mm mm mm m mm m m mms"),
        (format!("{FILE} AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential"), "mm ww ww ww mm m mm m w mmm"),
        (format!("{SECRET} AZURE_TOKEN_CREDENTIALS=EnvironmentCredential"), "ms ms ms ms ms m mm m m mms"),
        ("AZURE_AUTHORITY_HOST=http://l".to_owned(), "m- mm mm mm mm m mm m m mmm"),
    ] {
        assert_eq!(letters(&words), expected.replace(' ', ""), "{words}");
    }
}

#[test]
fn azure_token_credentials_is_read_as_each_language_reads_it() {
    for (value, expected) in [
        ("dev", "ddddd"),
        ("prod", "mmmmm"),
        ("PROD", "mmmm-"),
        ("AzureCliCredential", "ddddd"),
        ("azuredeveloperclicredential", "ddddd"),
        ("AzurePowerShellCredential", "ddddd"),
        ("VisualStudioCredential", "-d---"),
        ("VisualStudioCodeCredential", "dddd-"),
        ("InteractiveBrowserCredential", "dd---"),
        ("IntelliJCredential", "--d--"),
        ("BrokerCredential", "-d---"),
        ("ManagedIdentityCredential", "mmmmm"),
        ("EnvironmentCredential", "-----"),
        ("WorkloadIdentityCredential", "-----"),
        ("nonsense", "-----"),
    ] {
        let all = letters(&format!("AZURE_TOKEN_CREDENTIALS={value}"));
        let chains: String = all.chars().skip(1).step_by(2).take(5).collect();
        assert_eq!(chains, expected, "{value}");
    }
    // Where nothing of the chain is left, a failure ends it.
    let alone = format!("{ENDPOINT} AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential");
    assert_eq!(row(&alone, "python-default").source, Source::Nowhere);
    assert_eq!(row(ENDPOINT, "python-default").source, Source::DeveloperTools);
}

#[test]
fn only_chains_and_go_autorest_obey_the_client_id() {
    let obeys = |row: &Row| row.identity == AsWhom::ManagedIdentity("c".into());
    let rows = rows("AZURE_CLIENT_ID=c");
    let ids: Vec<&str> = rows.iter().filter(|row| obeys(row)).map(|row| row.id).collect();
    let chains =
        ["python-default", "python-aio-default", "dotnet-default", "java-default", "node-default", "go-default"];
    assert_eq!(ids, [&chains[..], &["go-autorest"]].concat());
    assert!(rows.iter().filter(|row| !obeys(row)).all(|row| row.identity == AsWhom::HostsDefault));
}

#[test]
fn an_address_is_told_without_its_query() {
    for (words, id, expected) in [
        ("MSI_ENDPOINT=http://h:1/t/?a=b#c", "dotnet-managed", "http://h:1/t"),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST=http://p/", "node-managed", "http://p/metadata/identity/oauth2/token"),
        ("ACC_CLOUD=1 AZUREPS_HOST_ENVIRONMENT=cloud-shell/1", "azure-cli", "http://localhost:50342/oauth2/token"),
        (
            "AZURE_AUTHORITY_HOST=login.microsoftonline.us/ AZURE_TENANT_ID=t AZURE_CLIENT_ID=c AZURE_CLIENT_SECRET=s",
            "python-default",
            "https://login.microsoftonline.us",
        ),
    ] {
        assert_eq!(row(words, id).address.as_deref(), Some(expected), "{words}");
    }
    let long = row(&format!("MSI_ENDPOINT=http://{}", "h".repeat(100_000)), "dotnet-managed");
    assert_eq!(long.address.unwrap().chars().count(), 300);
}

#[test]
fn what_points_at_the_metadata_service_or_at_the_retired_port_is_told_apart() {
    for (address, metadata, retired) in [
        ("http://169.254.169.254", true, false),
        ("169.254.169.254:80/metadata", true, false),
        (" http://169.254.169.254/x ", true, false),
        ("http://169.254.169.254.evil", false, false),
        ("http://169.254.169.254:8080", false, false),
        ("http://localhost:50342/oauth2/token", false, true),
        ("localhost:50342", false, true),
        ("http://h/?x=localhost:50342", false, false),
        ("", false, false),
    ] {
        assert_eq!((is_metadata(address), is_retired(address)), (metadata, retired), "{address}");
    }
}

#[test]
fn clients_are_named_in_few_words() {
    let rows = rows("");
    let named = |ids: &[&str]| in_words(&rows.iter().filter(|row| ids.contains(&row.id)).collect::<Vec<_>>());
    for (ids, expected) in [
        (&[][..], ""),
        (&["azure-cli"], "Azure CLI"),
        (&["python-managed"], "ManagedIdentityCredential for Python"),
        (&["python-managed", "python-default"], "the Azure SDK for Python"),
        (&["python-managed", "python-default", "python-aio-managed", "python-aio-default"], "the Azure SDK for Python"),
        (&["python-aio-default", "go-default"], "DefaultAzureCredential for Python asyncio and Go"),
        (&["rust-managed"], "the Azure SDK for Rust"),
        (&["python-default", "go-default"], "DefaultAzureCredential for Python and Go"),
        (&["python-default", "azure-cli"], "DefaultAzureCredential for Python, and Azure CLI"),
        (&["azure-cli", "azure-powershell", "msrestazure"], "Azure CLI, Azure PowerShell and msrestazure"),
    ] {
        assert_eq!(named(ids), expected);
    }
    assert!(rows.iter().all(|row| row.name.chars().count() <= 45), "the printed table has so much room");
}

#[test]
fn how_long_a_client_insists_is_told_where_it_was_measured_and_where_it_asks() {
    let patience = |words: &str, id: &str| {
        let Patience { dropped, unanswered, refused } = row(words, id).insists;
        [dropped, unanswered, refused].map(|span| span.map_or_else(|| "?".to_owned(), |span| span.to_string()))
    };
    assert_eq!(patience("", "python-managed"), ["12.9 s", "over 112 s", "4.9 s"]);
    assert_eq!(patience("", "node-default"), ["1.0 s", "?", "0.0 s"]);
    assert_eq!(patience("AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential", "node-default")[0], "over 112 s");
    assert_eq!(patience("", "java-default"), ["?", "?", "?"]);
    assert_eq!(patience("MSI_ENDPOINT=http://m", "python-managed"), ["?", "?", "?"]);
}

#[test]
fn azure_machine_learning_names_an_identity_by_a_variable_of_its_own() {
    let words = "MSI_ENDPOINT=http://m MSI_SECRET=s DEFAULT_IDENTITY_CLIENT_ID=d";
    for (id, identity) in [
        ("dotnet-managed", AsWhom::ManagedIdentity("d".into())),
        ("node-default", AsWhom::ManagedIdentity("d".into())),
        ("msal-node", AsWhom::ManagedIdentity("d".into())),
        ("python-managed", AsWhom::HostsDefault),
    ] {
        let found = row(words, id);
        assert_eq!((found.source, &found.identity), (Source::MachineLearning, &identity), "{id}");
    }
    let named = row(&format!("{words} AZURE_CLIENT_ID=c"), "node-default");
    assert_eq!(named.identity, AsWhom::ManagedIdentity("c".into()));
    assert_eq!(named.decided_by, ["MSI_ENDPOINT", "MSI_SECRET", "AZURE_CLIENT_ID"]);
}

#[test]
fn what_decided_decides_alone() {
    const SET: [&str; 11] = [
        "IDENTITY_ENDPOINT=http://h/token",
        "IDENTITY_HEADER=h",
        "MSI_ENDPOINT=http://m",
        "MSI_SECRET=s",
        "DEFAULT_IDENTITY_CLIENT_ID=d",
        "AZURE_TENANT_ID=t",
        "AZURE_CLIENT_ID=c",
        "AZURE_CLIENT_SECRET=s",
        "AZURE_FEDERATED_TOKEN_FILE=/f",
        "AZURE_USERNAME=u AZURE_PASSWORD=p",
        "AZURE_AUTHORITY_HOST=https://login.microsoftonline.us",
    ];
    for bits in 0..1 << SET.len() {
        let chosen = SET.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        let words: Vec<&str> = chosen.flat_map(|(_, words)| words.split(' ')).collect();
        for found in rows(&words.join(" ")) {
            let named = |word: &&&str| found.decided_by.iter().any(|name| word.split('=').next() == Some(*name));
            let decided: Vec<&str> = words.iter().filter(named).copied().collect();
            let alone = row(&decided.join(" "), found.id);
            let all = (found.source, &found.address, &found.identity);
            assert_eq!((alone.source, &alone.address, &alone.identity), all, "{} with {words:?}", found.id);
        }
    }
}
