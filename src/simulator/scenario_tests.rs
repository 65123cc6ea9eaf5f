//! The scenario language: what is read, and what is refused.

use super::*;

#[test]
fn the_default_is_a_healthy_vm() {
    assert_eq!(Scenario::parse(None, &[]), Ok(Scenario::default()));
    assert_eq!(Scenario::parse(Some(""), &[]), Ok(Scenario::default()));
}

#[test]
fn every_key_of_the_language_is_read() {
    let text = r#"
        system_assigned = false
        user_assigned = ["id-app", "id-batch"]
        roles = ["Virtual Machine Reader"]
        role_age_seconds = 60
        role_effective = false
        role_denied = "Deny"
        metadata = "unroutable"
        metadata_delay_ms = 1500
        guest_proxy_agent = true
        unreadable = ["/var/log/azure-proxy-agent/status.json"]
        retired = "cloud-shell"
        arm = "silent"
        arm_name = "unknown"
        arm_certificate = "other-name"
        clock_offset_seconds = -600
        cloud = "AzureChinaCloud"
        proxy = "passes"
        [command]
        verbose = true
        identity = ["a"]
        resource = ["vault"]
        [environment]
        HTTP_PROXY = "http://proxy.contoso.com:3128"
        [unit]
        environment = { NO_PROXY = "a" }
        process = { NO_PROXY = "b" }
        unread = ["a folder"]
        [files]
        "/sys/class/dmi/id/sys_vendor" = "Amazon EC2"
        [token]
        age_seconds = 90000
        malformed = true
        xms_az_rid = "/x"
    "#;
    let scenario = Scenario::parse(Some(text), &[]).expect("it parses");
    assert_eq!(scenario.retired, Retired::CloudShell);
    assert_eq!(scenario.arm_certificate, ArmCertificate::OtherName);
    assert_eq!(scenario.command.resource, ["vault"]);
    assert_eq!(scenario.unit.process.as_ref().and_then(|set| set.get("NO_PROXY")).map(String::as_str), Some("b"));
    assert_eq!(scenario.token.age_seconds, 90_000);
}

#[test]
fn tables_that_come_in_numbers_are_read() {
    let text = r#"
        page_size = 2
        page_fault = "other-host"
        extra_assignments = 3
        [[assignment]]
        role = "Key Vault Secrets User"
        scope = "/subscriptions/x"
        identity = "id-app"
        group = "7a1e5c02-93d4-4b8f-a6c0-15d2e8f9b374"
        condition = "(true)"
        age_seconds = 60
        effective = false
        [[deny]]
        name = "d"
        scope = "management-group"
        actions = ["*"]
        not_actions = ["*/read"]
        data_actions = ["*"]
        not_data_actions = []
        principals = ["system", "group:7a1e5c02-93d4-4b8f-a6c0-15d2e8f9b374"]
        exclude = ["id-app"]
        children = false
        [[data]]
        host = "api.contoso.com"
        audience = "api://contoso"
        access = "policy"
        network = "unknown-name"
        tenant = "7a1e5c02-93d4-4b8f-a6c0-15d2e8f9b374"
        certificate = "expired"
        addresses = ["10.0.1.5", "fd00::5"]
    "#;
    let scenario = Scenario::parse(Some(text), &[]).expect("it parses");
    assert_eq!(scenario.page_fault, Some(PageFault::OtherHost));
    assert_eq!((scenario.assignment[0].age_seconds, scenario.assignment[0].effective), (Some(60), false));
    assert_eq!(scenario.data[0].network, Network::UnknownName);
    assert_eq!(Deny::default().principals, ["everyone"]);
}

#[test]
fn unknown_names_in_tables_are_refused() {
    let deny = "[[deny]]\nname = \"d\"\n";
    for text in [
        "[[assignment]]",
        "[[assignment]]\nrole = \"Landlord\"",
        "[[assignment]]\nrole = \"Reader\"\nscope = \"disk\"",
        "[[assignment]]\nrole = \"Reader\"\nidentity = \"id-x\"",
        "[[assignment]]\nrole = \"Reader\"\ngroup = \"admins\"",
        "[[deny]]",
        &format!("{deny}scope = \"here\""),
        &format!("{deny}principals = [\"nobody\"]"),
        &format!("{deny}exclude = [\"group:admins\"]"),
        "[[data]]",
        "[[data]]\nhost = \"https://kv.vault.azure.net\"",
        "[[data]]\nhost = \"kv.vault.azure.net\"\naudience = \"x\"",
        "[[data]]\nhost = \"a.example\"\naccess = \"none\"",
        "[[data]]\nhost = \"a.example\"\ntenant = \"contoso\"",
        "[[data]]\nhost = \"a.example\"\naddresses = [\"home\"]",
        "[[data]]\nhost = \"a.example\"\n[[data]]\nhost = \"a.example\"",
        "page_fault = \"none\"",
        "page_size = -1",
    ] {
        assert!(Scenario::parse(Some(text), &[]).is_err(), "{text}");
    }
}

#[test]
fn what_is_not_in_the_language_is_refused() {
    for text in
        ["identities = []", "roles = [\"Landlord\"]", "user_assigned = [\"id-x\"]", "[token]\nexp = 1", "arm = \"x\""]
    {
        assert!(Scenario::parse(Some(text), &[]).is_err(), "{text}");
    }
    for block in
        ["GET /x\n\nHTTP/1.1 200 OK\n\n", "PUT http://x/\n\nHTTP/1.1 200 OK\n\n", "GET http://x/\n\nhello\n\n", ""]
    {
        assert!(Scenario::parse(None, &[block]).is_err(), "{block}");
    }
}
