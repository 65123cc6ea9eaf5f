//! What a set of permissions allows, judged as Azure judges it.
//!
//! Per entry actions minus that entry's own notActions, union over entries; `*` spans any characters, `/` included; case
//! does not matter (Microsoft's pages on role definitions). A required pattern that holds a wildcard itself is met only
//! when one entry grants every expansion of it, but for what others fill in. Deny assignments and conditions are not seen here.

use serde_json::Value;

use super::metadata::field;

/// One entry: what one role assignment allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permission {
    /// Patterns that are allowed.
    pub actions: Vec<String>,
    /// Patterns taken out of `actions` again.
    pub not_actions: Vec<String>,
}

impl Permission {
    /// Reads `{"actions": […], "notActions": […]}`; what is missing is empty.
    pub fn read(value: &Value) -> Self {
        let list = |name: &str| {
            field(value, name)
                .and_then(Value::as_array)
                .map(|items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                .unwrap_or_default()
        };
        Self { actions: list("actions"), not_actions: list("notActions") }
    }

    /// What this entry takes out of the required pattern again; `None` when no action of it covers the pattern at all.
    fn gaps(&self, required: &str) -> Option<Vec<&str>> {
        self.actions.iter().any(|action| covers(action, required)).then(|| {
            self.not_actions.iter().map(String::as_str).filter(|excluded| overlap(excluded, required)).collect()
        })
    }
}

/// Do these entries together allow every expansion of the required pattern? An entry must cover it whole; what its
/// notActions take out again, another entry may fill, if that one leaves no gap there itself.
pub fn allow(entries: &[Permission], required: &str) -> bool {
    let whole = |pattern: &str| entries.iter().any(|entry| entry.gaps(pattern).is_some_and(|gaps| gaps.is_empty()));
    whole(required) || entries.iter().any(|entry| entry.gaps(required).is_some_and(|gaps| gaps.into_iter().all(whole)))
}

/// Does `granted` match every text that `required` matches? A wildcard in `required` counts as a letter that no pattern
/// spells, so only a wildcard in `granted` can take it in, and what takes one letter in takes any text in.
fn covers(granted: &str, required: &str) -> bool {
    let granted: Vec<char> = granted.to_lowercase().chars().collect();
    let required: Vec<char> = required.to_lowercase().chars().collect();
    // reach[i]: the first i characters of `granted` match what was read of `required` so far.
    let mut reach: Vec<bool> = (0..=granted.len()).map(|i| granted[..i].iter().all(|c| *c == '*')).collect();
    for letter in &required {
        let mut next = vec![false; granted.len() + 1];
        for i in 0..granted.len() {
            next[i + 1] = match granted[i] {
                '*' => reach[i + 1] || reach[i] || next[i],
                c => reach[i] && c == *letter && *letter != '*',
            };
        }
        reach = next;
    }
    reach[granted.len()]
}

/// Is there a text that both patterns match?
fn overlap(one: &str, other: &str) -> bool {
    let one: Vec<char> = one.to_lowercase().chars().collect();
    let other: Vec<char> = other.to_lowercase().chars().collect();
    // table[i][j]: some text matches both one[..i] and other[..j].
    let mut table = vec![vec![false; other.len() + 1]; one.len() + 1];
    table[0][0] = true;
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            let star_one = i > 0 && one[i - 1] == '*';
            let star_other = j > 0 && other[j - 1] == '*';
            if star_one && table[i - 1][j] || star_other && table[i][j - 1] {
                table[i][j] = true;
            } else if i > 0 && j > 0 {
                table[i][j] |= (star_one && table[i][j - 1])
                    || (star_other && table[i - 1][j])
                    || (one[i - 1] == other[j - 1] && table[i - 1][j - 1]);
            }
        }
    }
    table[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(actions: &[&str], not_actions: &[&str]) -> Permission {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Permission { actions: own(actions), not_actions: own(not_actions) }
    }

    #[test]
    fn a_pattern_covers_what_every_expansion_of_the_other_is_in() {
        for (granted, required, expected) in [
            ("*", "*/read", true),
            ("*/read", "*/read", true),
            ("*/READ", "Microsoft.Compute/virtualMachines/read", true),
            ("Microsoft.Compute/*", "Microsoft.Compute/virtualMachines/start/action", true),
            ("Microsoft.Compute/*/read", "Microsoft.Compute/virtualMachines/*", false),
            ("Microsoft.Compute/virtualMachines/read", "*/read", false),
            ("Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/virtualMachines/*/read", true),
            ("*/virtualMachines/*/read", "Microsoft.Compute/virtualMachines/read", false),
            ("", "", true),
            ("a", "", false),
        ] {
            assert_eq!(covers(granted, required), expected, "{granted} over {required}");
        }
    }

    #[test]
    fn patterns_overlap_when_one_text_matches_both() {
        for (one, other, expected) in [
            ("Microsoft.Authorization/*/Write", "*/read", false),
            ("Microsoft.Authorization/*", "*/read", true),
            ("a*c", "ab*", true),
            ("a*", "b*", false),
            ("*", "", true),
            ("", "", true),
        ] {
            assert_eq!(overlap(one, other), expected, "{one} and {other}");
            assert_eq!(overlap(other, one), expected, "{other} and {one}");
        }
    }

    #[test]
    fn not_actions_take_from_their_own_entry_only() {
        let contributor = entry(&["*"], &["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"]);
        let granter = entry(&["Microsoft.Authorization/roleAssignments/write"], &[]);
        let required = "Microsoft.Authorization/roleAssignments/write";
        assert!(allow(std::slice::from_ref(&contributor), "*/read"));
        assert!(!allow(std::slice::from_ref(&contributor), required));
        assert!(allow(&[contributor, granter], required));
        let holed = entry(&["*"], &["Microsoft.KeyVault/*/read"]);
        assert!(!allow(std::slice::from_ref(&holed), "*/read"));
        assert!(allow(&[holed.clone(), entry(&["Microsoft.KeyVault/*"], &[])], "*/read"));
        assert!(!allow(&[holed.clone(), holed], "*/read"));
    }
}
