//! From short, made-up texts of each kind to their causes; and every symptom on the pages, fed through.

use midoctor::explain::cause::symptom::Symptom;
use midoctor::explain::cause::{Cause, Confidence, Passage, causes, triggers};
use midoctor::{checks, page};

fn read(text: &str) -> Vec<Cause> {
    causes(&Passage { first: 1, lines: text.lines().map(str::to_owned).collect() })
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text).into_iter().map(|cause| cause.code).collect()
}

fn symptoms() -> Vec<(&'static str, Symptom<'static>)> {
    let sections = checks::all().flat_map(|check| &page::of(check).sections);
    let items = sections.flat_map(|section| section.symptoms.iter().map(|item| (section.code.as_str(), item)));
    items.map(|(code, item)| (code, Symptom::parse(item).unwrap())).collect()
}

#[test]
fn every_symptom_is_recognised_as_what_its_page_says() {
    let mut missed = Vec::new();
    for (code, symptom) in symptoms() {
        let text = symptom.text.replace('…', " ");
        let found = codes(&text);
        let place = found.iter().position(|known| *known == code);
        let speaks = symptom.confidence > Confidence::Possible;
        if place.is_none() || speaks && place != Some(0) {
            missed.push(format!("{code}: {text}: {found:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_symptom_holds_a_trigger() {
    let triggers: Vec<String> = triggers().iter().map(|trigger| trigger.to_lowercase()).collect();
    assert!(triggers.len() <= 150, "{}", triggers.len());
    let without: Vec<&str> = symptoms()
        .into_iter()
        .map(|(_, symptom)| symptom.text)
        .filter(|text| !triggers.iter().any(|trigger| text.to_lowercase().contains(trigger)))
        .collect();
    assert!(without.is_empty(), "{without:#?}");
}

#[test]
fn structure_decides_before_wording() {
    for (text, code, confidence) in [
        // The body under a heading beats the heading.
        (
            "ManagedIdentityCredential authentication unavailable. The requested identity has not been assigned to this resource.\n\
             Status: 400 (Bad Request)\n\nContent:\n{\"error\":\"invalid_resource\",\"error_description\":\"AADSTS500011: The resource \
             principal named https://x was not found in the tenant\"}",
            "resource-invalid",
            Confidence::Certain,
        ),
        (
            "Unexpected response \"{'error': 'invalid_request', 'error_description': 'Multiple user assigned identities exist, please \
             specify the clientId'}\"",
            "identity-ambiguous",
            Confidence::Certain,
        ),
        (
            "GET http://169.254.169.254/metadata/identity/oauth2/token\nRESPONSE 400 Bad Request\n{\n  \"error\": \"invalid_request\",\n  \
             \"error_description\": \"Identity not found\"\n}",
            "identity-none",
            Confidence::Likely,
        ),
        (
            "Get http://169.254.169.254/metadata/identity/oauth2/token?client_id=aa: {\\\"error\\\":\\\"invalid_request\\\",\\\"error_description\\\":\\\"Identity not found\\\"}",
            "identity-unknown",
            Confidence::Likely,
        ),
        ("ManagedIdentityCredential authentication failed. Status code: 429", "imds-throttled", Confidence::Certain),
        (
            "\"GET /metadata/identity/oauth2/token?resource=x HTTP/1.1\" 400 168",
            "identity-ambiguous",
            Confidence::Likely,
        ),
        ("dial tcp 169.254.169.254:80: i/o timeout", "imds-timeout", Confidence::Certain),
        ("connect ENETUNREACH 169.254.169.254:80", "not-on-azure", Confidence::Likely),
        ("dial tcp 169.254.169.254:80: connect: connection refused", "imds-refused", Confidence::Certain),
        (
            "connecting to 169.254.169.254:80: dial tcp 169.254.169.254:80: connectex: unreachable host",
            "imds-proxied",
            Confidence::Certain,
        ),
        (
            "ProxyError: HTTPConnectionPool(host='gate', port=3128): Max retries exceeded with url: http://169.254.169.254/metadata/x",
            "imds-proxied",
            Confidence::Certain,
        ),
        ("getaddrinfo ENOTFOUND store.blob.core.windows.net", "dns-failure", Confidence::Certain),
        (
            "Get \"https://management.azure.com/x\": dial tcp: lookup management.azure.com on 10.0.0.2:53: dial udp 10.0.0.2:53: connect: \
             network is unreachable",
            "dns-failure",
            Confidence::Certain,
        ),
        (
            "Post \"https://login.microsoftonline.com/x\": x509: certificate signed by unknown authority",
            "tls-intercepted",
            Confidence::Certain,
        ),
        (
            "RESPONSE 403\nForbiddenByFirewall\nClient address is not authorized and caller is not a trusted service.",
            "network-blocked",
            Confidence::Certain,
        ),
        ("<Error><Code>AuthorizationPermissionMismatch</Code></Error>", "role-data-plane", Confidence::Certain),
        (
            "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://x.",
            "audience-mismatch",
            Confidence::Certain,
        ),
        (
            "<Code>InvalidAuthenticationInfo</Code><AuthenticationErrorDetail>Issuer validation failed. Issuer did not match.</AuthenticationErrorDetail>",
            "cloud-mismatch",
            Confidence::Certain,
        ),
        ("Code=\"LinkedAuthorizationFailed\"", "role-insufficient", Confidence::Certain),
    ] {
        let found = read(text);
        assert_eq!(
            found.first().map(|cause| (cause.code, cause.confidence)),
            Some((code, confidence)),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn a_chain_names_the_link_that_should_have_worked() {
    let chain = |environment: &str, managed: &str| {
        format!(
            "DefaultAzureCredential failed to retrieve a token from the included credentials.\nAttempted credentials:\n\
             \tEnvironmentCredential: {environment}\n\tManagedIdentityCredential: {managed}\n\tAzureCliCredential: Please run 'az login' \
             to set up an account"
        )
    };
    let unset = "EnvironmentCredential authentication unavailable. Environment variables are not fully configured.";
    let refused = "Authentication failed: AADSTS7000215: Invalid client secret provided.";
    assert_eq!(codes(&chain(unset, "Temporarily throttled, too many requests"))[0], "imds-throttled");
    assert_eq!(codes(&chain(unset, "dial tcp 169.254.169.254:80: i/o timeout"))[0], "imds-timeout");
    assert_eq!(codes(&chain(refused, "no response from the IMDS endpoint")), ["env-shadowed"]);
    let shown = read(&chain(unset, "dial tcp 169.254.169.254:80: i/o timeout"));
    assert_eq!((shown[0].line, shown[0].evidence.contains("i/o timeout")), (4, true), "{shown:?}");
}

#[test]
fn hosts_and_ports_survive_translation() {
    for text in [
        "Kan geen verbinding maken met de externe server: http://localhost:50342/oauth2/token",
        "MSI: Kan een token niet ophalen van 'http://localhost:50342/oauth2/token' 'HTTPConnectionPool(host='localhost', port=50342)'",
        "MSI: Fehler beim Abrufen eines Tokens aus 'http://localhost:50342/oauth2/token'",
        "MSI: falha ao recuperar um token de 'http://localhost:50342/oauth2/token'",
        "MSI: 'http://localhost:50342/oauth2/token' からトークンを取得できませんでした",
        "MSI: 无法从 'http://localhost:50342/oauth2/token' 检索令牌",
    ] {
        assert_eq!(codes(text).first(), Some(&"legacy-endpoint"), "{text}");
    }
    for (text, code) in [
        (
            "Es konnte keine Verbindung hergestellt werden, da der Zielcomputer die Verbindung verweigerte 169.254.169.254:80",
            "imds-refused",
        ),
        ("由于目标计算机积极拒绝，无法连接。 169.254.169.254:80", "imds-refused"),
        ("一定の時間を過ぎても正しく応答しなかったため、接続できませんでした。 169.254.169.254:80", "imds-timeout"),
        ("Der Remotename konnte nicht aufgelöst werden: 'management.azure.com'", "dns-failure"),
        ("Le nom distant n'a pas pu être résolu: 'management.azure.com'", "dns-failure"),
        ("Impossibile risolvere il nome remoto: 'management.azure.com'", "dns-failure"),
        ("No se puede resolver el nombre remoto: 'management.azure.com'", "dns-failure"),
        ("O nome remoto não pôde ser resolvido: 'management.azure.com'", "dns-failure"),
        ("De externe naam kan niet worden omgezet: 'management.azure.com'", "dns-failure"),
        ("リモート名を解決できませんでした。: 'management.azure.com'", "dns-failure"),
        ("未能解析此远程名称: 'management.azure.com'", "dns-failure"),
    ] {
        assert_eq!(codes(text).first(), Some(&code), "{text}");
    }
    for sentence in [
        "Unable to connect to the remote server",
        "Kan geen verbinding maken met de externe server",
        "Die Verbindung mit dem Remoteserver kann nicht hergestellt werden.",
        "Impossible de se connecter au serveur distant",
        "No es posible conectar con el servidor remoto",
        "Impossível conectar-se ao servidor remoto",
        "Impossibile effettuare la connessione al server remoto",
        "リモート サーバーに接続できません。",
        "无法连接到远程服务器",
    ] {
        let found = read(&format!("Invoke-WebRequest : {sentence}"));
        assert!(found.iter().any(|cause| cause.code == "legacy-endpoint"), "{sentence}");
        assert!(found.iter().all(|cause| cause.confidence == Confidence::Possible), "{sentence}: {found:?}");
    }
}

#[test]
fn ordinary_logs_speak_for_nothing() {
    for text in [
        "2026/11/02 10:00:01 [error] 812#812: *5 connect() failed (111: Connection refused) while connecting to upstream, client: 10.1.1.1, \
         server: shop.example.org, request: \"GET / HTTP/1.1\", upstream: \"http://127.0.0.1:8080/\"",
        "10.1.2.3 - - [02/Nov/2026:10:00:01 +0000] \"GET /api HTTP/1.1\" 404 153 \"-\" \"curl/8.5.0\"",
        "10.1.2.3 - - [02/Nov/2026:10:00:01 +0000] \"GET /api HTTP/1.1\" 504 562 \"-\" \"kube-probe/1.29\"",
        "Nov 02 10:00:01 web systemd[1]: app.service: Main process exited, code=exited, status=1/FAILURE",
        "Err:1 http://archive.example.org/ubuntu noble InRelease\n  Temporary failure resolving 'archive.example.org'",
        "E: Failed to fetch http://azure.archive.ubuntu.com/ubuntu/dists/noble/InRelease  Could not connect to server",
        "Nov 02 10:00:02 vm kernel: NMI watchdog: Enabled. 6.8.0-1015-azure",
        "error[E0308]: mismatched types\n  --> src/main.rs:4:5\n  = note: expected value `()`, found `u8`",
        "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='api.example.com', port=443): Max retries exceeded with url: / (Caused \
         by NewConnectionError(': Failed to establish a new connection: [Errno 111] Connection refused'))",
        "requests.exceptions.HTTPError: 404 Client Error: Not Found for url: https://api.example.com/users",
        "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate",
        "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
        "npm ERR! network request to https://registry.example.org/x failed, reason: connect ETIMEDOUT 10.0.0.9:443",
        "FAILED tests/test_api.py::test_get - httpx.ConnectError: [Errno 111] Connection refused",
        "Error: connect ECONNREFUSED 127.0.0.1:5432",
        "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        "{\"error\":\"Not Found\"}",
        "Setting up azure-cli (2.80.0-1~noble) ...",
        "<html>\n<head><title>404 Not Found</title></head>\n</html>",
    ] {
        let found = read(text);
        assert!(found.iter().all(|cause| cause.confidence == Confidence::Possible), "{text}: {found:?}");
    }
}

#[test]
fn a_cause_names_its_line_and_its_client() {
    let passage = Passage {
        first: 41,
        lines: vec!["starting".into(), "curl: (6) Could not resolve host: management.azure.com".into()],
    };
    let found = causes(&passage);
    assert_eq!((found[0].line, found[0].client.as_deref()), (42, Some("curl")));
    assert_eq!(found[0].evidence, "curl: (6) Could not resolve host: management.azure.com");
    assert!(causes(&Passage::default()).is_empty());
}

#[test]
fn bad_text_is_read_all_the_same() {
    for text in ["\\", "&", "…", "\u{0}\u{0}", "İİİ 169.254.169.254", &"ManagedIdentityCredential ".repeat(2000)] {
        read(text);
    }
}
