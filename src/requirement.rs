//! Requirements as they are typed, `ROLE|ACTION|data:ACTION[@SCOPE]`, made into what they mean, and said in words again.
//!
//! Whether one is met is for the check `roles` to say.

use crate::azure::pattern::Pattern;
use crate::azure::permissions::Operation;
use crate::azure::resource_id::scope_in_words;
use crate::azure::roles::{self, BuiltIn};
use crate::fill::visible;
use crate::plan::{Required, Requirement};

/// Reads a requirement.
///
/// # Errors
/// A sentence that says what is wrong and what is accepted, with the nearest that exists.
pub fn read(text: &str) -> Result<Requirement, String> {
    let (what, scope) = match text.rsplit_once('@') {
        Some((what, scope)) => (what, Some(self::scope(scope)?)),
        None => (text, None),
    };
    Ok(Requirement { what: required(what)?, scope })
}

/// A subscription, resource group, resource or management group, without a slash at its end.
fn scope(text: &str) -> Result<String, String> {
    let id = text.trim_end_matches('/');
    let parts: Vec<&str> = id.split('/').skip(1).collect();
    let named = parts.iter().all(|part| !part.is_empty() && *part != "." && *part != "..");
    let plain = id.chars().all(|c| c.is_alphanumeric() || "/-_.()".contains(c));
    let is = |index: usize, word: &str| parts.get(index).is_some_and(|part| part.eq_ignore_ascii_case(word));
    let subscription = is(0, "subscriptions") && parts.get(1).is_some_and(|id| uuid::Uuid::parse_str(id).is_ok());
    let resource =
        |from: usize| is(from, "providers") && parts.len() >= from + 4 && (parts.len() - from).is_multiple_of(2);
    let known = match parts.len() {
        2 => subscription,
        4 if is(2, "resourceGroups") => subscription,
        4 => is(0, "providers") && is(1, "Microsoft.Management") && is(2, "managementGroups"),
        _ if is(2, "resourceGroups") => subscription && resource(4),
        _ => subscription && resource(2),
    };
    if id.starts_with('/') && named && plain && known {
        return Ok(id.to_owned());
    }
    Err(format!(
        "--require takes an ARM scope after the @: /subscriptions/GUID, …/resourceGroups/NAME, a resource's whole ID, or \
         /providers/Microsoft.Management/managementGroups/NAME; “{}” is none{}",
        visible(text),
        nearest_scope(id).map(|near| format!("; did you mean “{}”?", visible(&near))).unwrap_or_default()
    ))
}

/// The words of a scope.
const SCOPE_WORDS: [&str; 5] =
    ["subscriptions", "resourceGroups", "providers", "Microsoft.Management", "managementGroups"];

/// The scope that was meant, when its words are misspelt, its first slash is missing, or it is a name alone.
fn nearest_scope(typed: &str) -> Option<String> {
    let trimmed = typed.trim_matches('/');
    if !trimmed.contains('/') {
        let name = !trimmed.is_empty() && trimmed.chars().all(|c| c.is_alphanumeric() || "-_.()".contains(c));
        return name.then(|| match uuid::Uuid::parse_str(trimmed) {
            Ok(_) => format!("/subscriptions/{trimmed}"),
            Err(_) => format!("/subscriptions/GUID/resourceGroups/{trimmed}"),
        });
    }
    let mended: Vec<&str> = trimmed
        .split('/')
        .enumerate()
        .map(|(index, part)| {
            let near = |word: &&&str| strsim::damerau_levenshtein(&part.to_lowercase(), &word.to_lowercase()) <= 2;
            // Every other part is a name of the user's, but for the provider.
            let word = (index % 2 == 0 || index == 1).then(|| SCOPE_WORDS.iter().find(near)).flatten();
            word.copied().unwrap_or(part)
        })
        .collect();
    let mended = format!("/{}", mended.join("/"));
    (mended != typed && scope(&mended).is_ok()).then_some(mended)
}

fn required(text: &str) -> Result<Required, String> {
    if let Some(data) = text.strip_prefix("data:") {
        return action(data).map(Required::DataAction);
    }
    if let Some(plain) = text.strip_prefix("action:") {
        return action(plain).map(Required::Action);
    }
    if text.contains('/') || text == "*" {
        let action = action(text)?;
        return Ok(if is_on_data(&action) { Required::DataAction(action) } else { Required::Action(action) });
    }
    if let Some(role) = roles::find(text) {
        return Ok(Required::Role(role.guid.clone()));
    }
    if text.len() == 36
        && let Ok(guid) = uuid::Uuid::parse_str(text)
    {
        return Ok(Required::Role(guid.to_string()));
    }
    let near = nearest(text, roles::all().iter().map(|role| role.name.as_str()));
    Err(format!(
        "--require takes a role by name or GUID, an action such as Microsoft.Compute/virtualMachines/start/action, or \
         data:ACTION; “{}” is no built-in role that midoctor knows by name, others go by their GUID{near}",
        visible(text)
    ))
}

/// An action names its provider and ends in a verb, or holds a wildcard where these would be.
fn action(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "./*-_$".contains(c));
    let provider = text.split('/').next().unwrap_or_default();
    let provided =
        provider.contains('*') || provider.split_once('.').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
    if plain && provided && !text.ends_with('/') && !text.contains("//") {
        return Ok(text.to_owned());
    }
    let known =
        roles::all().iter().flat_map(|role| role.permission.actions.iter().chain(&role.permission.data_actions));
    let known = known.filter(|known| !known.is_wild()).map(Pattern::as_str).chain(ON_VMS);
    let near = nearest(text, known);
    Err(format!(
        "--require takes an action with its provider, as in Microsoft.Compute/virtualMachines/start/action; “{}” has none{near}",
        visible(text)
    ))
}

/// Actions on VMs that no built-in role names singly.
const ON_VMS: [&str; 5] = [
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.Compute/virtualMachines/start/action",
    "Microsoft.Compute/virtualMachines/restart/action",
    "Microsoft.Compute/virtualMachines/deallocate/action",
    "Microsoft.Compute/virtualMachines/runCommand/action",
];

/// The nearest that exists: one that ends in the text, else one that differs little.
fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> String {
    let lower = text.to_lowercase();
    let ranked = known.filter_map(|name| {
        let own = name.to_lowercase();
        if !lower.is_empty() && own.ends_with(&format!("/{lower}")) {
            return Some((0, name));
        }
        let distance = strsim::damerau_levenshtein(&lower, &own);
        (distance <= 1 + name.len() / 4).then_some((distance, name))
    });
    ranked
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| format!("; did you mean “{name}”?"))
        .unwrap_or_default()
}

/// Is this an action on data? Some built-in role names it as one, or by a pattern that spells out what is done: that of Service
/// Bus, `…/*/send/action`. A pattern that ends in `*`, or in `*/read`, says too little: resources are read and managed under the
/// same names.
fn is_on_data(action: &str) -> bool {
    let operation = Operation::DataAction(action.to_owned());
    roles::all().iter().any(|role| {
        let mut named = role.permission.clone();
        named.data_actions.retain(|pattern| !pattern.is_wild() || pattern.as_str().ends_with("/action"));
        crate::azure::permissions::allow(&[named], &operation)
    })
}

/// A requirement for people: `Reader`, `data action X on resource group rg`.
pub fn in_words(requirement: &Requirement, vm: &str) -> String {
    let what = match &requirement.what {
        Required::Action(action) => action.clone(),
        Required::DataAction(action) => format!("the data action {action}"),
        Required::Role(guid) => roles::find(guid).map_or_else(|| format!("the role {guid}"), |role| role.name.clone()),
    };
    match &requirement.scope {
        None => what,
        Some(scope) => format!("{what} on {}", scope_in_words(scope, vm)),
    }
}

/// What the role allows, as far as it is known without asking.
pub fn built_in(requirement: &Requirement) -> Option<&'static BuiltIn> {
    match &requirement.what {
        Required::Role(guid) => roles::find(guid),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIPTION: &str = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846";

    #[test]
    fn a_requirement_is_a_role_or_an_action_with_a_scope_if_need_be() {
        let role = |guid: &str, scope: Option<&str>| Requirement {
            what: Required::Role(guid.into()),
            scope: scope.map(str::to_owned),
        };
        assert_eq!(read("reader"), Ok(role(crate::plan::READER, None)));
        assert_eq!(read("ACDD72A7-3385-48EF-BD42-F606FBA81AE7"), Ok(role(crate::plan::READER, None)));
        let contributor = read(&format!("Contributor@{SUBSCRIPTION}/resourceGroups/rg/")).expect("a requirement");
        assert_eq!(contributor.scope.as_deref(), Some(&*format!("{SUBSCRIPTION}/resourceGroups/rg")));
        let start = "Microsoft.Compute/virtualMachines/start/action";
        assert_eq!(read(start).map(|it| it.what), Ok(Required::Action(start.into())));
        let blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
        assert_eq!(read(blobs).map(|it| it.what), Ok(Required::DataAction(blobs.into())));
        assert_eq!(read(&format!("action:{blobs}")).map(|it| it.what), Ok(Required::Action(blobs.into())));
        assert_eq!(
            read("data:Contoso.Own/x/read").map(|it| it.what),
            Ok(Required::DataAction("Contoso.Own/x/read".into()))
        );
        assert_eq!(read("*/read").map(|it| it.what), Ok(Required::Action("*/read".into())));
    }

    #[test]
    fn a_slip_is_told_with_the_nearest_that_exists() {
        assert!(read("Redaer").is_err_and(|why| why.contains("did you mean “Reader”?")));
        assert!(read("virtualMachines/read").is_err_and(|why| why.contains("has none")));
        for wrong in ["", "@", "a b/c", "Microsoft./read", "/read", "Microsoft.X/", "Microsoft.X//read", "none@/"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_scope_that_is_misspelt_is_told_with_the_one_that_was_meant() {
        for (typed, meant) in [
            (SUBSCRIPTION.replace("subscriptions", "subscription"), SUBSCRIPTION.to_owned()),
            (format!("{SUBSCRIPTION}/resourcegroup/rg"), format!("{SUBSCRIPTION}/resourceGroups/rg")),
            (SUBSCRIPTION.trim_start_matches('/').to_owned(), SUBSCRIPTION.to_owned()),
            (SUBSCRIPTION.trim_start_matches("/subscriptions/").to_owned(), SUBSCRIPTION.to_owned()),
            ("rg-web".to_owned(), "/subscriptions/GUID/resourceGroups/rg-web".to_owned()),
        ] {
            let near = format!("did you mean “{meant}”?");
            assert!(scope(&typed).is_err_and(|why| why.ends_with(&near)), "{typed}");
        }
    }

    #[test]
    fn a_scope_is_one_of_arms() {
        for right in [
            SUBSCRIPTION.to_owned(),
            format!("{SUBSCRIPTION}/resourceGroups/rg"),
            format!("{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v"),
            format!("{SUBSCRIPTION}/providers/Microsoft.X/y/z"),
            "/providers/Microsoft.Management/managementGroups/mg".to_owned(),
        ] {
            assert_eq!(scope(&right), Ok(right.clone()));
        }
        for wrong in [
            "",
            "/",
            "rg",
            "/subscriptions/x",
            "/resourceGroups/rg",
            &format!("{SUBSCRIPTION}/resourceGroups/../x"),
            &format!("{SUBSCRIPTION}?x"),
        ] {
            assert!(scope(wrong).is_err(), "{wrong}");
        }
    }
}
