//! Secrets in a pasted text never come back out, in whatever shape they come, and what tells the cause stays.

use midoctor::explain::answer::Answer;
use midoctor::explain::cause::{Cause, Confidence, Passage};
use midoctor::explain::scan::Scanner;
use midoctor::explain::shown;
use midoctor::render::json;
use midoctor::render::style::Style;
use midoctor::seal;

/// Everything that could be printed if every line of the text were evidence, and what the judge is shown.
fn everything(text: &str) -> String {
    let triggers = vec!["needle".to_owned()];
    let shown_to_judge = std::cell::RefCell::new(String::new());
    let judge = |passage: &Passage| {
        shown_to_judge.borrow_mut().push_str(&passage.lines.join("\n"));
        let codes = ["identity-none", "imds-timeout", "role-missing", "arm-unreachable", "env-proxy"];
        let causes = passage.lines.iter().enumerate().zip(codes).map(|((index, line), code)| Cause {
            code,
            confidence: Confidence::Likely,
            line: passage.first + index,
            evidence: line.clone(),
            client: Some(line.clone()),
        });
        causes.collect()
    };
    let mut scanner = Scanner::new(&triggers, &judge);
    scanner.feed(text.as_bytes()).unwrap();
    let answer = Answer::new(scanner.finish().unwrap());
    let printed = json::pretty(&answer).unwrap() + &shown::render(&answer, Style::default());
    shown_to_judge.into_inner() + &printed
}

const JWT: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL0NBTkFSWSJ9.U2lnbmF0dXJlQ0FOQVJZ-_x";

#[test]
fn no_shape_of_a_secret_comes_back() {
    let opaque = "0.AXoAc3R1ZmZDQU5BUlk0Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMw";
    let key = format!("{}CANARY12==", "aB3/+x".repeat(13));
    let json_text =
        serde_json::json!({ "access_token": format!("{JWT}"), "refresh_token": "CANARY\"CANARY", "n": 1 }).to_string();
    let once = serde_json::json!({ "msg": json_text }).to_string();
    let twice = serde_json::json!({ "msg": once }).to_string();
    let pem = |kind: &str| {
        let body = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCANARYqhkiG9w0", "CANARYw0BAQE=="].join("\n");
        format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----")
    };
    let stamped = pem("PRIVATE KEY").replace('\n', "\n2026-11-22T08:50:00Z app[1]: ");
    let headless: String = pem("PRIVATE KEY").split_once('\n').unwrap().1.into();
    for text in [
        format!("token {JWT}"),
        format!("token {}", &JWT[..60]),
        format!("…{}", &JWT[20..]),
        format!("Bearer {JWT}"),
        json_text.clone(),
        once,
        twice,
        format!("{{'access_token': '{JWT}CANARY', 'expires_in': 3}}"),
        format!("access_token      : {JWT}\n                    CANARYCANARYCANARY\nexpires_in : 1"),
        format!("?access_token={opaque}&x=1"),
        format!("refresh_token: {opaque}"),
        format!("token dump {opaque}"),
        "client_secret=CANARY".into(),
        "client_id=x&client_secret=CANARY%20x&scope=y".into(),
        "AZURE_CLIENT_SECRET=CANARY".into(),
        "AZURE_CLIENT_SECRET: \"CANARY CANARY\"".into(),
        "export MSI_SECRET='CANARY'".into(),
        "IDENTITY_HEADER=CANARY".into(),
        "X-IDENTITY-HEADER: CANARY".into(),
        "x-identity-header:CANARY".into(),
        "> secret: CANARY".into(),
        "secret: CANARY".into(),
        "-H 'Secret: CANARY' http://x".into(),
        "{\"secret\":\"CANARY\"}".into(),
        "{\\\"secret\\\":\\\"CANARY\\\"}".into(),
        "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=CANARY==;EndpointSuffix=y".into(),
        "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=CANARY=".into(),
        "https://x.blob.core.windows.net/c?sv=2022&sig=CANARY%2Fx%3D&se=2026".into(),
        "SharedAccessSignature sr=x&sig=CANARY&se=1".into(),
        "https://user:CANARY@proxy:3128/".into(),
        "http://user:CAN/ARY#CANARY@proxy:3128".into(),
        "https://CANARY@host/x".into(),
        "Server=x;User Id=y;Password=CANARY;Encrypt=true".into(),
        "pwd=CANARY".into(),
        "Authorization: Bearer CANARY".into(),
        "authorization: Basic Q0FOQVJZCANARY".into(),
        "'Authorization': 'SharedKey account:CANARY='".into(),
        "{\"Authorization\":[\"Bearer CANARY\"]}".into(),
        "Authorization: Digest username=\"x\", response=\"CANARY\"".into(),
        "Authorization: CANARY".into(),
        "Cookie: a=b; session=CANARY".into(),
        "Ocp-Apim-Subscription-Key: CANARY".into(),
        "found abc8Q~CANARYabcdefghijklmnopqrstuvwxyz1234 here".into(),
        format!("key {key}"),
        "az login --service-principal -u 1 -p CANARY --tenant 2".into(),
        "az login --service-principal -u 1 --password CANARY".into(),
        "app --client-secret 'CANARY' --x".into(),
        "Command '['app', '--account-key', 'CANARY']' failed".into(),
        "[\"--sas-token\", \"CANARY\"]".into(),
        "<Password>CANARY</Password>".into(),
        "<access_token>CANARY</access_token>".into(),
        "{\"token\":\"1234567890123CANARY\"}".into(),
        "AccessToken(token='1234567890123CANARY', expires_on=1)".into(),
        "https://x.azurewebsites.net/api/f?code=1234567890123CANARY&x=1".into(),
        pem("PRIVATE KEY"),
        pem("RSA PRIVATE KEY").replace('\n', "\\n"),
        pem("CERTIFICATE").replace('\n', "\r\n"),
        stamped,
        headless,
    ] {
        for text in [text.clone(), format!("{}needle\n{text}\nafter\n", "hay\n".repeat(200))] {
            let all = everything(&text);
            assert!(
                !all.contains("CANARY") && !all.contains("Q0FOQVJZ") && !all.contains("U2lnbmF0"),
                "{text}\n→ {all}"
            );
            assert!(all.contains("(sealed)"), "{text}\n→ {all}");
        }
    }
}

#[test]
fn shapes_of_other_tools_are_sealed_as_well() {
    for (text, sealed) in [
        // Signatures and tokens in what is encoded once more.
        (r"https://x/c?sv=2022\u0026sig=CANARY%2F\u0026se=1", r"https://x/c?sv=2022\u0026sig=(sealed)\u0026se=1"),
        ("u=https%3A%2F%2Fx%3Fsv%3D1%26sig%3DCANARY", "u=https%3A%2F%2Fx%3Fsv%3D1%26sig%3D(sealed)"),
        ("t=eyJ0eXAiOiJKV1QifQ%2EeyJhdWQiOiJ4In0%2ECANARYCANARY x", "t=(sealed) x"),
        ("ghp_CANARYCANARYCANARYCANARY", "(sealed)"),
        // Pairs of a name and a value, in a line and over lines.
        (
            r#"{"name":"AZURE_CLIENT_SECRET","slotSetting":false,"value":"CANARY"},{"name":"A","value":"b"}"#,
            r#"{"name":"AZURE_CLIENT_SECRET","slotSetting":false,"value":"(sealed)"},{"name":"A","value":"b"}"#,
        ),
        (r#"{"key":"clientSecret","value":"CANARY"}"#, r#"{"key":"clientSecret","value":"(sealed)"}"#),
        (r#"{\"key\":\"clientSecret\",\"value\":\"CANARY\"}"#, r#"{\"key\":\"clientSecret\",\"value\":\"(sealed)\"}"#),
        (r#"<add key="ClientSecret" value="CANARY" />"#, r#"<add key="ClientSecret" value="(sealed)" />"#),
        ("<name>CLIENT_SECRET</name><value>CANARY</value>", "<name>CLIENT_SECRET</name><value>(sealed)</value>"),
        (
            r#"{"keyName":"key1","permissions":"FULL","value":"CANARY"}"#,
            r#"{"keyName":"key1","permissions":"FULL","value":"(sealed)"}"#,
        ),
        (
            "- name: CLIENT_SECRET\n  value: CANARY\n- name: TENANT\n  value: x",
            "- name: CLIENT_SECRET\n  value: (sealed)\n- name: TENANT\n  value: x",
        ),
        (
            "\"name\": \"CLIENT_SECRET\",\n\"slotSetting\": false,\n\"value\": \"CANARY\"\n",
            "\"name\": \"CLIENT_SECRET\",\n\"slotSetting\": false,\n\"value\": \"(sealed)\"\n",
        ),
        (r#"{"name":"Authorization","value":"Bearer CANARY"}"#, r#"{"name":"Authorization","value":"(sealed)"}"#),
        ("AZURE_CLIENT_SECRET            CANARY", "AZURE_CLIENT_SECRET            (sealed)"),
        // A value in the next line.
        ("\"clientSecret\":\n   \"CANARY x\",\n\"a\": 1", "\"clientSecret\":\n   \"(sealed)\",\n\"a\": 1"),
        ("password: >-\n  CANARY!\nuser: x", "password: >-\n  (sealed)\nuser: x"),
        // All that a header holds.
        ("authorization: Bearer abc, Bearer CANARY", "authorization: Bearer (sealed)"),
        (
            "{'authorization': 'Bearer CANARY', 'Proxy-Authorization': 'Basic CANARY', 'a': 'b'}",
            "{'authorization': 'Bearer (sealed)', 'Proxy-Authorization': 'Basic (sealed)', 'a': 'b'}",
        ),
        (
            "Authorization: HMAC-SHA256 Credential=x&SignedHeaders=host&Signature=CANARY",
            "Authorization: HMAC-SHA256 (sealed)",
        ),
        ("'Authorization: AWS4 Credential=x, Signature=CANARY' failed", "'Authorization: (sealed)' failed"),
        ("Authorization: Signature keyId=\"x\",signature=\"CANARY\" x", "Authorization: (sealed) x"),
        // Names and passwords of commands.
        ("curl -u user:CANARY https://x", "curl -u (sealed) https://x"),
        ("curl --user 'user:CANARY' https://x", "curl --user '(sealed)' https://x"),
        ("sshpass -p CANARY ssh x", "sshpass -p (sealed) ssh x"),
        ("http_proxy=user:CANARY@proxy:3128", "http_proxy=(sealed)@proxy:3128"),
        ("ConvertTo-SecureString \"CANARY CANARY\" -AsPlainText", "ConvertTo-SecureString \"(sealed)\" -AsPlainText"),
        // Values that do not end where they seem to, and those in the words of languages.
        ("password={CANARY;CANARY};Encrypt=true", "password=(sealed);Encrypt=true"),
        ("password: a;CANARY", "password: (sealed)"),
        ("Password=a;CANARY;Encrypt=true", "Password=(sealed);Encrypt=true"),
        ("Password = a CANARY;Encrypt=true", "Password = (sealed);Encrypt=true"),
        ("{b'access_token': b'CANARY', b'n': 1}", "{b'access_token': b'(sealed)', b'n': 1}"),
        ("WITH PASSWORD = N'CANARY'", "WITH PASSWORD = N'(sealed)'"),
        ("client_secret := CANARY", "client_secret := (sealed)"),
        ("[('client_secret', 'CANARY'), ('a', 'b')]", "[('client_secret', '(sealed)'), ('a', 'b')]"),
        ("passphrase=CANARY&device_code=CANARY", "passphrase=(sealed)&device_code=(sealed)"),
        ("AZURE_DEVOPS_EXT_PAT=CANARY", "AZURE_DEVOPS_EXT_PAT=(sealed)"),
        ("InstrumentationKey=CANARY;IngestionEndpoint=x", "InstrumentationKey=(sealed);IngestionEndpoint=x"),
    ] {
        assert_eq!(seal::text(text), sealed, "{text}");
        assert_eq!(seal::text(sealed), sealed, "sealed again");
        let all = everything(&format!("{}needle\n{text}\nafter\n", "hay\n".repeat(200)));
        assert!(!all.contains("CANARY"), "{text}\n→ {all}");
    }
}

#[test]
fn no_script_and_no_white_space_hides_a_secret() {
    let white = ('\0'..=char::MAX).filter(|sign| sign.is_whitespace() && *sign != '\n');
    for sign in white {
        for text in [
            format!("client_secret{sign}={sign}hunter2CANARY"),
            format!("password:{sign}hunter2CANARY"),
            format!("authorization:{sign}basic{sign}hunter2CANARY"),
            format!("az login -u x{sign}-p{sign}hunter2CANARY"),
            format!("x{sign}--client-secret{sign}hunter2CANARY"),
            format!("\"name\":{sign}\"client_secret\", \"value\":{sign}\"hunter2CANARY\""),
            format!("{sign}client_secret  hunter2CANARY"),
        ] {
            assert!(!seal::text(&text).contains("CANARY"), "{text:?}: {}", seal::text(&text));
        }
    }
    for before in ["密", "é", "ß", "“", "я"] {
        for text in
            ["pwd=hunter2CANARY", "cookie: a=hunter2CANARY", "sshpass -p hunter2CANARY", "token=0123456789CANARYab"]
        {
            let text = format!("{before}{text}");
            assert!(!seal::text(&text).contains("CANARY"), "{text:?}: {}", seal::text(&text));
        }
    }
}

#[test]
fn what_tells_the_cause_stays_as_it_is() {
    for line in [
        r#"{"error":"invalid_request","error_description":"Identity not found"}"#,
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the client secret value",
        "MSI: Failed to retrieve a token from 'http://localhost:50342/oauth2/token' with an error of 'HTTPConnectionPool(host='localhost', port=50342)'",
        "The client 'ba5eba11-4444-4bbb-8c40-665544332211' with object id 'c0ffee00-3333-4aaa-9b30-112233445566' does not have authorization to perform action 'Microsoft.Compute/virtualMachines/read' over scope '/subscriptions/7d1a2f3c-1111-4c2b-9a10-aa00bb11cc22/resourceGroups/rgproduction1/providers/Microsoft.Compute/virtualMachines/vm1'",
        "failed to get secret: keyvault.BaseClient#GetSecret: Failure responding to request: StatusCode=403",
        "cannot get token: connection refused",
        "Failed to acquire token: Get \"http://169.254.169.254/metadata/identity/oauth2/token\": dial tcp 169.254.169.254:80: i/o timeout",
        "azure.BearerAuthorizer#WithAuthorization: Failed to refresh the Token for request to https://management.azure.com/subscriptions/x",
        "WWW-Authenticate: Bearer authorization_uri=\"https://login.windows.net/x\", error=\"invalid_token\"",
        "IDENTITY_HEADER environment variable is not set",
        "MSI_SECRET is not set, MSI_ENDPOINT=http://localhost:50342/oauth2/token",
        "Server: IMDS/150.870.65.1854",
        "see https://host:443/path?user=a@b for mail to admin@contoso.com",
        "{\"access_token\":\"\",\"error\":\"x\"}",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "   at Azure.Identity.CredentialDiagnosticScope.FailWrapAndThrow(Exception ex, String additionalMessage, Boolean isCredentialUnavailable)",
        "az: error: the following arguments are required: --password, --token; run az login --identity -p",
        "{\"code\":\"AuthorizationPermissionMismatch\",\"token\":\"none\"}",
        r#"{"name":"vm-1","key":"location","value":"westeurope"}"#,
        "Authorization: (sealed) status=403, code=AuthorizationFailed",
        "Authorization: Bearer (sealed) status=403, code=AuthorizationFailed",
        "docker run -u app https://x:443/ -u https://y:443",
        "http_proxy=http://proxy:3128 https_proxy=proxy:3128 no_proxy=169.254.169.254",
        "Failed to get secret:\nGet \"https://x.vault.azure.net/\": dial tcp: i/o timeout",
        "jwt.exceptions.DecodeError: JWS must have three parts",
    ] {
        assert_eq!(seal::text(line), line);
    }
}

#[test]
fn sealing_again_changes_nothing() {
    for text in ["Authorization: Bearer CANARY", "client_secret=CANARY", "https://u:CANARY@h/", "'Password': 'CANARY'"]
    {
        let once = seal::text(text);
        assert_eq!(seal::text(&once), once);
    }
}

#[test]
fn evidence_is_short_and_nothing_in_it_is_hidden() {
    let all = everything(&format!("{}\u{202e}\u{7}\u{9b}[2J", "wide é ".repeat(100)));
    assert!(!all.lines().skip(1).any(|line| line.contains(['\u{202e}', '\u{7}', '\u{9b}'])), "{all:?}");
    let answer: serde_json::Value =
        serde_json::from_str(&all[all.find('{').unwrap()..=all.rfind('}').unwrap()]).unwrap_or_default();
    for one in answer["matches"].as_array().into_iter().flatten() {
        assert!(one["evidence"].as_str().unwrap().chars().count() <= 240);
    }
}
