//! The bench of judging permissions: 500 requirements against 2,000 entries, none of which allows the last third, so that
//! every entry is looked at. Run by hand: `cargo bench --bench permissions`. The target is less than 100 ms.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use midoctor::azure::permissions::{Operation, Permission, denies, missing};
use midoctor::azure::roles;

const PROVIDERS: [&str; 8] = ["Compute", "Network", "Storage", "KeyVault", "EventHub", "ServiceBus", "Web", "Sql"];

/// Built-in roles without Owner's and Reader's reach, and custom ones with four patterns each.
fn entries() -> Vec<Permission> {
    let narrow: Vec<&Permission> = roles::all()
        .iter()
        .map(|role| &role.permission)
        .filter(|entry| !entry.actions.iter().any(|pattern| ["*", "*/read"].contains(&pattern.as_str())))
        .collect();
    let custom = |n: usize| {
        let provider = PROVIDERS[n % PROVIDERS.len()];
        Permission::read(&serde_json::json!({
            "actions": [
                format!("Microsoft.{provider}/type{n}/read"),
                format!("Microsoft.{provider}/type{n}/*/read"),
                format!("Microsoft.{provider}/*/type{n}/action"),
            ],
            "notActions": [format!("Microsoft.{provider}/type{n}/secret/*")],
        }))
        .expect("its lists are lists of texts")
    };
    (0..2000).map(|n| if n % 4 == 0 { narrow[n % narrow.len()].clone() } else { custom(n) }).collect()
}

fn requirements() -> Vec<Operation> {
    let provider = |n: usize| PROVIDERS[n % PROVIDERS.len()];
    (0..500)
        .map(|n| match n % 6 {
            0 => Operation::Action(format!("Microsoft.{}/type{n}/read", provider(n))),
            1 => Operation::Action(format!("Microsoft.{}/type{n}/child/*/read", provider(n))),
            2 => Operation::DataAction(format!("Microsoft.{}/namespaces/n{n}/send/action", provider(n))),
            3 => Operation::Action(format!("Microsoft.{}/*/type{n}/action", provider(n))),
            4 => Operation::Action(format!("Microsoft.{}/type{n}/*", provider(n))),
            _ => Operation::DataAction(format!("Microsoft.{}/unheard/of{n}/write", provider(n))),
        })
        .collect()
}

/// Two thousand Contributors: every wildcard finds gaps, and nobody to fill them.
fn holed() -> Vec<Permission> {
    vec![roles::find("Contributor").unwrap().permission.clone(); 2000]
}

fn judge(bench: &mut Criterion) {
    let (entries, requirements, holed) = (entries(), requirements(), holed());
    let wild: Vec<Operation> = (0..500).map(|_| Operation::Action("Microsoft.Authorization/*".into())).collect();
    bench.bench_function("allow: 500 requirements, 2,000 entries", |bench| {
        bench.iter(|| missing(black_box(&entries), black_box(&requirements)));
    });
    bench.bench_function("allow: 500 wildcards, 2,000 Contributors", |bench| {
        bench.iter(|| missing(black_box(&holed), black_box(&wild)));
    });
    bench.bench_function("denies: 500 requirements, 2,000 entries", |bench| {
        bench.iter(|| requirements.iter().filter(|required| denies(black_box(&entries), required)).count());
    });
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20); targets = judge }
criterion_main!(benches);
