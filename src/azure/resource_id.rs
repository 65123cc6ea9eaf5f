//! ARM resource IDs and GUIDs: taking them apart and comparing them. Azure compares IDs without regard to case, and so
//! does everything here; tokens spell `resourcegroups` in lower case (recorded).

/// A virtual machine's resource ID, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmId {
    /// The subscription's GUID.
    pub subscription: String,
    /// The resource group's name.
    pub resource_group: String,
    /// The VM's name; for an instance of a uniform scale set the set's name.
    pub name: String,
    /// The instance's number within a uniform scale set.
    pub instance: Option<String>,
}

impl VmId {
    /// Takes `/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/N` apart, or the form
    /// `…/virtualMachineScaleSets/N/virtualMachines/I` (that form is known from memory only).
    pub fn parse(id: &str) -> Option<Self> {
        let parts: Vec<&str> = id.trim_matches('/').split('/').collect();
        let is = |index: usize, word: &str| parts.get(index).is_some_and(|part| part.eq_ignore_ascii_case(word));
        if !(is(0, "subscriptions") && is(2, "resourceGroups") && is(4, "providers") && is(5, "Microsoft.Compute")) {
            return None;
        }
        let instance = match parts.len() {
            8 if is(6, "virtualMachines") => None,
            10 if is(6, "virtualMachineScaleSets") && is(8, "virtualMachines") => Some(parts[9].to_owned()),
            _ => return None,
        };
        Some(Self { subscription: parts[1].into(), resource_group: parts[3].into(), name: parts[7].into(), instance })
    }
}

/// Is this the resource ID of a user-assigned identity?
pub fn is_user_assigned(id: &str) -> bool {
    let parts: Vec<&str> = id.trim_matches('/').split('/').collect();
    parts.len() == 8
        && parts.iter().all(|part| !part.is_empty())
        && parts[0].eq_ignore_ascii_case("subscriptions")
        && parts[2].eq_ignore_ascii_case("resourceGroups")
        && parts[4].eq_ignore_ascii_case("providers")
        && parts[5].eq_ignore_ascii_case("Microsoft.ManagedIdentity")
        && parts[6].eq_ignore_ascii_case("userAssignedIdentities")
}

/// Are these the same resource?
pub fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').to_lowercase() == other.trim_end_matches('/').to_lowercase()
}

/// The scale set that an instance of a uniform one belongs to: `…/virtualMachineScaleSets/N`.
pub fn scale_set(vm: &str) -> Option<&str> {
    VmId::parse(vm)?.instance?;
    let (set, _) = vm.trim_end_matches('/').rsplit_once('/')?.0.rsplit_once('/')?;
    Some(set)
}

/// The last part of an ID: the resource's name.
pub fn name(id: &str) -> &str {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or(id)
}

/// A scope in a few words: `this VM`, `resource group rg-doctor`, `subscription 3d9b…`.
pub fn scope_in_words(scope: &str, vm: &str) -> String {
    let parts: Vec<&str> = scope.trim_matches('/').split('/').collect();
    match parts[..] {
        _ if same(scope, vm) => "this VM".into(),
        [""] => "the root scope".into(),
        [_, kind, .., group] if kind.eq_ignore_ascii_case("Microsoft.Management") => {
            format!("management group {group}")
        }
        [_, id] => format!("subscription {id}"),
        [_, _, _, group] => format!("resource group {group}"),
        _ => scope.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VM: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm";

    #[test]
    fn a_vm_id_is_taken_apart_whatever_its_case() {
        let id = VmId::parse(&VM.to_lowercase()).expect("a VM");
        assert_eq!((id.resource_group.as_str(), id.name.as_str(), id.instance), ("rg", "vm", None));
    }

    #[test]
    fn a_scale_set_instance_keeps_its_number() {
        let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/ss/virtualMachines/3";
        assert_eq!(VmId::parse(id).expect("an instance").instance.as_deref(), Some("3"));
        assert_eq!(scale_set(id), Some(id.trim_end_matches("/virtualMachines/3")));
        assert_eq!(scale_set(VM), None);
    }

    #[test]
    fn other_ids_are_no_vm() {
        for id in ["", "/", "/subscriptions/s", &VM.replace("Compute", "Network"), &format!("{VM}/extensions/e")] {
            assert_eq!(VmId::parse(id), None, "{id}");
        }
    }

    #[test]
    fn scopes_read_as_people_say_them() {
        for (scope, words) in [
            (VM.to_uppercase(), "this VM"),
            ("/".into(), "the root scope"),
            ("/subscriptions/s".into(), "subscription s"),
            ("/subscriptions/s/resourceGroups/rg".into(), "resource group rg"),
            ("/providers/Microsoft.Management/managementGroups/mg".into(), "management group mg"),
        ] {
            assert_eq!(scope_in_words(&scope, VM), words);
        }
    }
}
