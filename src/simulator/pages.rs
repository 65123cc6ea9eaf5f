//! Lists that come in pages: `value` with an absolute `nextLink` on the host that was asked.
//!
//! assumed: the name of the parameter that continues a list, and that it counts items; pages of real lists are not recorded.

use serde_json::{Value, json};

use crate::simulator::azure::{Azure, Call, Reaction};
use crate::simulator::manager::refuse;
use crate::simulator::scenario::PageFault;

/// The parameter that continues a list.
const SKIP: &str = "$skiptoken";

/// The page of a list that was asked for.
pub(super) fn page(azure: &Azure, call: &Call<'_>, mut items: Vec<Value>) -> Result<Value, Reaction> {
    let size = azure.scenario().page_size;
    let Ok(start) = call.parameter(SKIP).map_or(Ok(0), str::parse::<usize>) else {
        return Err(refuse(call, 400, "InvalidSkipToken", "The skip token is invalid."));
    };
    if size == 0 {
        return Ok(json!({ "value": items }));
    }
    let mut rest = items.split_off(start.min(items.len()));
    let more = rest.len() > size;
    rest.truncate(size);
    let second = start == size && !rest.is_empty();
    let next = match azure.scenario().page_fault.filter(|_| second) {
        Some(PageFault::Loop) => Some(link(call, None)),
        Some(PageFault::OtherHost) => Some(link(call, Some(start + size)).replacen(
            call.url.host_str().unwrap_or_default(),
            "management.contoso.example",
            1,
        )),
        None => more.then(|| link(call, Some(start + size))),
    };
    Ok(match next {
        Some(next) => json!({ "value": rest, "nextLink": next }),
        None => json!({ "value": rest }),
    })
}

/// The address of a page; the first without a place to start from.
fn link(call: &Call<'_>, start: Option<usize>) -> String {
    let mut url = call.url.clone();
    let kept = call.query.iter().filter(|(name, _)| name != SKIP);
    url.query_pairs_mut().clear().extend_pairs(kept);
    match start {
        Some(start) => format!("{url}&{SKIP}={start}"),
        None => url.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::simulator::azure::tests::{get, now, play};
    use crate::simulator::tokens::LIFETIME;
    use crate::simulator::vm;

    /// The sizes of the pages, and where the last link that was not followed leads.
    fn walk(toml: &str, kind: &str) -> (Vec<usize>, Option<String>) {
        let azure = play(toml, &[]);
        let token = azure.mint(Some(&vm::SYSTEM), "https://management.azure.com", now(), LIFETIME).text;
        let first = format!(
            "https://management.azure.com{}/providers/Microsoft.Authorization/{kind}?api-version=2022-04-01&%24filter=atScope%28%29",
            vm::resource_id()
        );
        let (mut url, mut sizes) = (first.clone(), Vec::new());
        loop {
            let (status, body) = get(&azure, &url, &[("Authorization", &format!("Bearer {token}"))]);
            assert_eq!(status, 200, "{body}");
            let body: Value = serde_json::from_str(&body).expect("JSON");
            sizes.push(body["value"].as_array().expect("a list").len());
            match body["nextLink"].as_str() {
                None => return (sizes, None),
                Some(next) if next == first || !next.starts_with("https://management.azure.com/") => {
                    return (sizes, Some(next.to_owned()));
                }
                Some(next) => url = next.to_owned(),
            }
        }
    }

    #[test]
    fn lists_come_in_pages_that_hold_every_item_once() {
        for kind in ["permissions", "roleAssignments"] {
            assert_eq!(walk("extra_assignments = 6", kind), (vec![7], None));
            assert_eq!(walk("extra_assignments = 6\npage_size = 3", kind), (vec![3, 3, 1], None));
            assert_eq!(walk("extra_assignments = 6\npage_size = 7", kind), (vec![7], None));
        }
        let deny = "page_size = 1\n[[deny]]\nname = \"a\"\n[[deny]]\nname = \"b\"";
        assert_eq!(walk(deny, "denyAssignments"), (vec![1, 1], None));
    }

    #[test]
    fn a_faulty_second_page_leads_back_or_away() {
        let (sizes, next) = walk("extra_assignments = 3\npage_size = 2\npage_fault = \"loop\"", "permissions");
        assert_eq!((sizes, next.is_some_and(|next| !next.contains("skiptoken"))), (vec![2, 2], true));
        let (sizes, next) = walk("extra_assignments = 3\npage_size = 2\npage_fault = \"other-host\"", "permissions");
        assert_eq!(sizes, [2, 2]);
        assert!(next.is_some_and(|next| next.starts_with("https://management.contoso.example/subscriptions/")));
    }
}
