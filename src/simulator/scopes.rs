//! The scopes of the simulated tenant: what a scenario calls them, and which lies below which.
//!
//! One management group with one subscription with two resource groups; the VM is in the first.

use crate::simulator::vm;

/// The management group that the subscription is in.
pub(super) const MANAGEMENT_GROUP: &str = "mg-contoso";
/// The other resource group of the subscription.
pub(super) const OTHER_GROUP: &str = "rg-other";

/// The subscription's ARM ID.
pub(super) fn subscription() -> String {
    format!("/subscriptions/{}", vm::SUBSCRIPTION)
}

/// The management group's ARM ID.
pub(super) fn management_group() -> String {
    format!("/providers/Microsoft.Management/managementGroups/{MANAGEMENT_GROUP}")
}

/// The ARM ID of a resource group of the subscription.
pub(super) fn group(name: &str) -> String {
    format!("{}/resourceGroups/{name}", subscription())
}

/// The ARM ID that a scenario means by a word, or by a full ID.
pub(super) fn named(word: &str) -> Option<String> {
    match word {
        "vm" => Some(vm::resource_id()),
        "child" => Some(format!("{}/extensions/probe", vm::resource_id())),
        "resource-group" => Some(vm::group_id()),
        "other-group" => Some(group(OTHER_GROUP)),
        "subscription" => Some(subscription()),
        "management-group" => Some(management_group()),
        id if id.starts_with('/') => Some(if id == "/" { id } else { id.trim_end_matches('/') }.to_owned()),
        _ => None,
    }
}

/// Is `inner` the scope `outer`, or below it?
pub(super) fn within(inner: &str, outer: &str) -> bool {
    if outer == "/" {
        return true;
    }
    let (inner, outer) = (inner.to_ascii_lowercase(), outer.to_ascii_lowercase());
    let below = |outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    below(&outer) || (outer == management_group().to_ascii_lowercase() && below(&subscription()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_lie_below_each_other_as_in_azure() {
        let chain = ["child", "vm", "resource-group", "subscription", "management-group", "/"];
        let chain = chain.map(|word| named(word).expect("a scope"));
        for (low, inner) in chain.iter().enumerate() {
            for (high, outer) in chain.iter().enumerate() {
                assert_eq!(within(inner, outer), low <= high, "{inner} {outer}");
            }
        }
        assert!(!within(&named("other-group").expect("a scope"), &chain[2]));
        assert!(!within(&format!("{}-2", chain[1]), &chain[1]));
        assert!(within(&chain[1].to_uppercase(), &chain[3]));
        assert_eq!(named("disk"), None);
    }
}
