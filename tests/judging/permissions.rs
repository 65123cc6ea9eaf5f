//! What permissions allow and deny: Microsoft's documented rules, case by case, and the table of built-in roles.

use midoctor::azure::pattern::Pattern;
use midoctor::azure::permissions::{Operation, Permission, allow, denies, missing, satisfy};
use midoctor::azure::roles;

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().copied().map(Pattern::new).collect()
}

/// An entry from `"pattern pattern - excluded excluded"`; a word that begins with `data:` is about data.
fn entry(words: &str) -> Permission {
    let (granted, excluded) = words.split_once(" - ").unwrap_or((words, ""));
    let pick = |text: &str, data: bool| {
        text.split_whitespace()
            .filter(|word| word.starts_with("data:") == data)
            .map(|word| Pattern::new(word.trim_start_matches("data:")))
            .collect()
    };
    Permission {
        actions: pick(granted, false),
        not_actions: pick(excluded, false),
        data_actions: pick(granted, true),
        not_data_actions: pick(excluded, true),
    }
}

fn operation(word: &str) -> Operation {
    word.strip_prefix("data:").map_or_else(|| Operation::Action(word.into()), |text| Operation::DataAction(text.into()))
}

fn role(name: &str) -> &'static roles::BuiltIn {
    roles::find(name).unwrap_or_else(|| panic!("{name}"))
}

/// Entries by role name or as `entry` reads them, apart by `|`.
fn entries(words: &str) -> Vec<Permission> {
    words
        .split('|')
        .map(str::trim)
        .filter(|words| !words.is_empty())
        .map(|words| roles::find(words).map_or_else(|| entry(words), |role| role.permission.clone()))
        .collect()
}

const VM_READ: &str = "Microsoft.Compute/virtualMachines/read";
const ASSIGN: &str = "Microsoft.Authorization/roleAssignments/write";
const BLOB_READ: &str = "data:Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";

#[test]
fn what_is_allowed() {
    for (held, required, expected) in [
        // Nothing, and nothing that fits.
        ("", VM_READ, false),
        ("", "*", false),
        ("Microsoft.Compute/disks/read", VM_READ, false),
        ("Microsoft.Compute/virtualMachines", VM_READ, false),
        ("Microsoft.Compute/virtualMachines/readx", VM_READ, false),
        // Literals and wildcards, at the end, at the beginning, in the middle, across slashes.
        (VM_READ, VM_READ, true),
        ("*", VM_READ, true),
        ("*/read", VM_READ, true),
        ("*/write", VM_READ, false),
        ("Microsoft.Compute/*", VM_READ, true),
        ("Microsoft.Compute/*", "Microsoft.ComputeSchedule/operations/read", false),
        ("Microsoft.Compute/*", "Microsoft.Compute/virtualMachines/extensions/write", true),
        ("Microsoft.Compute/*/read", "Microsoft.Compute/virtualMachines/extensions/read", true),
        ("Microsoft.Compute/*/read", "Microsoft.Compute/virtualMachines/start/action", false),
        ("Microsoft.Compute/virtualMachines/*/read", VM_READ, false),
        ("Microsoft.*/virtualMachines/*", VM_READ, true),
        ("*/regions/*", "Microsoft.Network/regions/usages/read", true),
        ("Microsoft.Co*te/virtual*s/re*d", VM_READ, true),
        ("**", VM_READ, true),
        // Case.
        ("MICROSOFT.COMPUTE/VIRTUALMACHINES/READ", VM_READ, true),
        ("microsoft.web/sites/restart/Action", "Microsoft.Web/sites/restart/action", true),
        ("* - microsoft.compute/virtualmachines/READ", VM_READ, false),
        // The union over assignments.
        ("Microsoft.Network/* | Microsoft.Compute/*", VM_READ, true),
        ("Microsoft.Network/* | Microsoft.Storage/*", VM_READ, false),
        (
            "Reader | Microsoft.Compute/virtualMachines/start/action",
            "Microsoft.Compute/virtualMachines/start/action",
            true,
        ),
        // NotActions take from their own entry, and deny nothing.
        ("Contributor", VM_READ, true),
        ("Contributor", "Microsoft.Compute/virtualMachines/delete", true),
        ("Contributor", ASSIGN, false),
        ("Contributor", "Microsoft.Authorization/roleAssignments/read", true),
        ("Contributor", "Microsoft.Authorization/elevateAccess/action", false),
        ("Contributor | User Access Administrator", ASSIGN, true),
        ("User Access Administrator | Contributor", ASSIGN, true),
        ("Contributor | Role Based Access Control Administrator", ASSIGN, true),
        ("Contributor | Contributor", ASSIGN, false),
        ("Contributor | * - Microsoft.Authorization/roleAssignments/*", ASSIGN, false),
        ("Microsoft.Compute/* - *", VM_READ, false),
        ("Log Analytics Reader", "Microsoft.OperationalInsights/workspaces/sharedKeys/read", false),
        ("Log Analytics Reader | Reader", "Microsoft.OperationalInsights/workspaces/sharedKeys/read", true),
        // Data actions are a world of their own.
        ("Owner", BLOB_READ, false),
        ("Contributor", BLOB_READ, false),
        ("Reader", BLOB_READ, false),
        ("Storage Account Contributor", BLOB_READ, false),
        ("Storage Blob Data Reader", BLOB_READ, true),
        ("Storage Blob Data Owner", BLOB_READ, true),
        (
            "Storage Blob Data Reader",
            "data:Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
            false,
        ),
        ("Storage Blob Data Contributor", "Microsoft.Storage/storageAccounts/read", false),
        ("data:*", VM_READ, false),
        ("data:*", BLOB_READ, true),
        ("* data:* - *", BLOB_READ, true),
        ("* data:* - data:*", BLOB_READ, false),
        ("* data:* - data:*", VM_READ, true),
        ("Owner", "data:*", false),
        ("Key Vault Reader", "data:Microsoft.KeyVault/vaults/secrets/getSecret/action", false),
        ("Key Vault Secrets User", "data:Microsoft.KeyVault/vaults/secrets/getSecret/action", true),
        ("Key Vault Administrator", "data:Microsoft.KeyVault/vaults/secrets/getSecret/action", true),
        ("AcrPush", "Microsoft.ContainerRegistry/registries/pull/read", true),
        ("AcrPull", "Microsoft.ContainerRegistry/registries/push/write", false),
        // Required wildcards: one entry grants every expansion, others fill its gaps.
        ("Owner", "*", true),
        ("Contributor", "*", false),
        ("Contributor", "*/read", true),
        ("Log Analytics Reader", "*/read", false),
        ("Log Analytics Reader | Reader", "*/read", true),
        ("Reader", "Microsoft.Compute/*/read", true),
        ("Reader", "Microsoft.Compute/*", false),
        (VM_READ, "*/read", false),
        ("Microsoft.Compute/virtualMachines/read Microsoft.Compute/disks/read", "Microsoft.Compute/*/read", false),
        ("* - a/* | a/*", "*", true),
        ("* - a/* b/* | a/* | b/*", "*", true),
        ("* - a/* b/* | a/*", "*", false),
        ("* - a/* | * - b/*", "*", true),
        ("* - a/* | * - a/*", "*", false),
        ("* - a/* | a/* - a/b/* | a/b/*", "*", false),
        ("Owner", "", true),
        ("", "", false),
    ] {
        assert_eq!(allow(&entries(held), &operation(required)), expected, "{required} with {held}");
    }
}

#[test]
fn what_is_denied() {
    for (denied, required, expected) in [
        ("", VM_READ, false),
        ("", "*", false),
        (VM_READ, VM_READ, true),
        ("*", VM_READ, true),
        ("*/write", VM_READ, false),
        ("MICROSOFT.COMPUTE/*", VM_READ, true),
        ("Microsoft.Network/* | */read", VM_READ, true),
        // A required wildcard is denied when any expansion is.
        (VM_READ, "*/read", true),
        (VM_READ, "Microsoft.Compute/*", true),
        (VM_READ, "Microsoft.Network/*", false),
        ("*/delete", "Microsoft.Compute/*", true),
        ("*/delete", "*/read", false),
        ("Microsoft.Compute/*/delete", "Microsoft.*/virtualMachines/*", true),
        // Its own notActions spare; those of another entry do not.
        ("* - */read", VM_READ, false),
        ("* - */read", "*/read", false),
        ("* - */read", "Microsoft.Compute/*/read", false),
        ("* - */read", "Microsoft.Compute/*", true),
        ("* - */read | Microsoft.Compute/*", VM_READ, true),
        ("* - */read", "Microsoft.Compute/virtualMachines/delete", true),
        ("Microsoft.Compute/* - *", "*", false),
        ("Microsoft.Compute/disks/* */delete - Microsoft.Compute/*", "*", true),
        ("* - Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/*", true),
        // Data apart from actions.
        ("*", BLOB_READ, false),
        ("data:*", VM_READ, false),
        ("data:*", BLOB_READ, true),
        ("data:* - */read", BLOB_READ, true),
        ("data:* - data:*/read", BLOB_READ, false),
        ("data:*/delete", "data:*", true),
    ] {
        assert_eq!(denies(&entries(denied), &operation(required)), expected, "{required} under {denied}");
    }
}

#[test]
fn a_role_is_satisfied_by_what_it_allows_not_by_its_name() {
    for (held, wanted, expected) in [
        ("Owner", "Contributor", true),
        ("Contributor", "Owner", false),
        ("Contributor", "Contributor", true),
        ("Contributor | User Access Administrator", "Owner", false),
        (
            "Contributor | Microsoft.Authorization/* Microsoft.Blueprint/* Microsoft.Compute/* Microsoft.Purview/* \
          Microsoft.Resources/* Microsoft.Subscription/*",
            "Owner",
            true,
        ),
        ("Owner", "User Access Administrator", true),
        ("Contributor", "User Access Administrator", false),
        ("User Access Administrator", "Role Based Access Control Administrator", true),
        ("Contributor", "Reader", true),
        ("Reader", "Log Analytics Reader", false),
        ("Log Analytics Reader", "Reader", false),
        ("Log Analytics Reader", "Monitoring Reader", false),
        ("Owner", "Storage Blob Data Reader", false),
        ("Storage Blob Data Owner", "Storage Blob Data Contributor", true),
        ("Storage Blob Data Contributor", "Storage Blob Data Owner", false),
        ("Owner | Key Vault Secrets User", "Key Vault Secrets User", true),
        ("Virtual Machine Administrator Login", "Virtual Machine User Login", true),
        ("Azure Service Bus Data Owner", "Azure Service Bus Data Receiver", true),
        ("*/read", "Reader", true),
        ("", "Reader", false),
    ] {
        assert_eq!(satisfy(&entries(held), &role(wanted).permission), expected, "{wanted} by {held}");
    }
    for role in roles::all() {
        assert!(satisfy(std::slice::from_ref(&role.permission), &role.permission), "{} by itself", role.name);
    }
    assert!(satisfy(&[], &Permission::default()));
    assert!(satisfy(&[], &entry("a/* - a/*")), "what takes itself out wants nothing");
}

#[test]
fn what_is_missing_is_told_in_its_order() {
    let required = [operation("b/write"), operation(VM_READ), operation(BLOB_READ), operation("a/write")];
    let expected = [operation("b/write"), operation(BLOB_READ), operation("a/write")];
    assert_eq!(missing(&entries("Reader"), &required), expected);
    assert_eq!(missing(&entries("Reader"), &[]), []);
}

#[test]
fn the_table_of_roles_is_whole() {
    assert_eq!(roles::all().len(), 39);
    for role in roles::all() {
        assert_eq!(role.guid.len(), 36, "{}", role.name);
        let named = [&role.permission.actions, &role.permission.data_actions];
        assert!(named.iter().any(|patterns| !patterns.is_empty()), "{}", role.name);
        assert!(std::ptr::eq(roles::find(&role.name.to_uppercase()).unwrap(), role));
        assert!(std::ptr::eq(roles::find(&role.guid.to_uppercase()).unwrap(), role));
    }
    assert!(roles::find("Virtual Machine Reader").is_none());
    assert_eq!(role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635").name, "Owner");
}

#[test]
fn the_narrowest_role_is_named() {
    let narrowest = |words: &[&str]| {
        let required: Vec<Operation> = words.iter().copied().map(operation).collect();
        roles::narrowest(&required).map(|role| role.name.as_str())
    };
    for (required, expected) in [
        (&[VM_READ][..], Some("Reader")),
        (&["*/read"], Some("Reader")),
        (&["Microsoft.Compute/virtualMachines/start/action"], Some("Virtual Machine Contributor")),
        (&[BLOB_READ], Some("Storage Blob Data Reader")),
        (
            &["data:Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"],
            Some("Storage Blob Data Contributor"),
        ),
        (
            &["data:Microsoft.Storage/storageAccounts/blobServices/containers/blobs/modifyPermissions/action"],
            Some("Storage Blob Data Owner"),
        ),
        (&["data:Microsoft.KeyVault/vaults/secrets/getSecret/action"], Some("Key Vault Secrets User")),
        (&["data:Microsoft.KeyVault/vaults/secrets/setSecret/action"], Some("Key Vault Secrets Officer")),
        (&["Microsoft.ContainerRegistry/registries/pull/read"], Some("AcrPull")),
        (&["Microsoft.ContainerRegistry/registries/push/write"], Some("AcrPush")),
        (&["data:Microsoft.ServiceBus/namespaces/messages/send/action"], Some("Azure Service Bus Data Sender")),
        (&["Microsoft.Storage/storageAccounts/listKeys/action"], Some("Storage Account Contributor")),
        (&[ASSIGN], Some("Role Based Access Control Administrator")),
        (&["Microsoft.Authorization/policyAssignments/write"], Some("User Access Administrator")),
        (&["Microsoft.Sql/servers/write"], Some("Contributor")),
        (&["*"], Some("Owner")),
        (&[BLOB_READ, ASSIGN], None),
        (&["data:*"], None),
        (&[], None),
    ] {
        assert_eq!(narrowest(required), expected, "{required:?}");
    }
}

#[test]
fn the_helpers_read_what_they_should() {
    let read = entry("a data:b - c data:d");
    assert_eq!((read.actions, read.not_actions), (patterns(&["a"]), patterns(&["c"])));
    assert_eq!((read.data_actions, read.not_data_actions), (patterns(&["b"]), patterns(&["d"])));
}
