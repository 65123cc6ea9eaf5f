//! The kernel's messages, whole and broken, and what is kept of long lists.

use super::*;

#[test]
fn of_long_lists_what_matters_is_kept() {
    let route = |to: &str, interface: &str, table: Option<u32>| RouteEntry {
        to: to.into(),
        interface: Some(interface.into()),
        kind: WayKind::Leaves,
        table,
        ..RouteEntry::default()
    };
    let mut routes: Vec<RouteEntry> = (100..300).map(|table| route("0.0.0.0/0", "eth0", Some(table))).collect();
    routes.push(route("0.0.0.0/0", "eth7", None));
    routes.push(route("169.254.169.254/32", "eth9", None));
    let named = |name: String| Interface { name, up: true, ..Interface::default() };
    let mut interfaces: Vec<(u32, Interface)> = (0..600).map(|index| (index, named(format!("n{index}")))).collect();
    interfaces.extend([(699, named("eth0".into())), (700, named("eth7".into())), (701, named("eth9".into()))]);
    let way = Way { kind: WayKind::Leaves, interface: Some("eth9".into()), ..Way::default() };
    shorten(&way, &mut interfaces, &mut routes);
    assert_eq!((routes.len(), interfaces.len()), (ROUTES, INTERFACES));
    assert_eq!(routes[0].to, "169.254.169.254/32");
    assert_eq!(routes[1].interface.as_deref(), Some("eth7"));
    let kept = |name: &str| interfaces.iter().any(|(_, one)| one.name == name);
    assert!(kept("eth7") && kept("eth9") && kept("n0") && !kept("n599"));
    // A refusal in another table is not lost either.
    let mut routes: Vec<RouteEntry> = (100..300).map(|table| route("0.0.0.0/0", "eth0", Some(table))).collect();
    let kind = WayKind::Blackhole;
    routes.push(RouteEntry { to: "0.0.0.0/0".into(), kind, table: Some(777), ..RouteEntry::default() });
    shorten(&Way { kind, ..Way::default() }, &mut Vec::new(), &mut routes);
    assert!(routes.iter().any(|route| route.kind == kind));
}

/// A message of that type with this content, as the kernel would frame it.
fn framed(kind: u16, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + content.len()).expect("short");
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend([0; 10]);
    bytes.extend(content);
    bytes
}

#[test]
fn what_is_no_message_of_the_kernels_is_left_out_and_ends() {
    for bytes in [vec![], vec![0; 3], vec![0; 64], vec![255; 64], 16u32.to_ne_bytes().to_vec()] {
        assert_eq!(Messages(&bytes).flatten().count(), 0, "{bytes:?}");
    }
    // One that cannot be read does not hide the next.
    let mut bytes = framed(24, &[2, 32]);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(framed(24, &[2, 32, 0, 0, 254, 16, 0, 1, 0, 0, 0, 0]));
    assert_eq!(Messages(&bytes).map(|message| message.is_some()).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn an_interface_is_known_by_its_name_its_kind_and_its_flags() {
    // The header: family, type, index, flags (up, lower up), mask; then its name and, nested, its kind and something unknown.
    let mut content = vec![0, 0, 1, 0, 7, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0];
    content.extend(*b"\x09\0\x03\0eth0\0\0\0\0");
    content.extend(*b"\x18\0\x12\0\x09\0\x01\0veth\0\0\0\0\x06\0\x63\0\x01\x02\0\0");
    let read = |content: &[u8]| match Messages(&framed(16, content)).next().flatten().map(|message| message.payload) {
        Some(NetlinkPayload::InnerMessage(Answer::Link(link))) => Some((link.index, interface(link))),
        _ => None,
    };
    let expected = Interface { name: "eth0".into(), kind: Some("veth".into()), up: true, ..Interface::default() };
    assert_eq!(read(&content), Some((7, Some(expected.clone()))));
    // Down; up without a carrier; loopback.
    content[8..12].copy_from_slice(&[0, 0, 0, 0]);
    assert_eq!(read(&content), Some((7, Some(Interface { up: false, ..expected.clone() }))));
    content[8..12].copy_from_slice(&[1, 0, 0, 0]);
    assert_eq!(read(&content), Some((7, Some(Interface { no_carrier: true, ..expected }))));
    content[8..12].copy_from_slice(&[9, 0, 1, 0]);
    assert_eq!(read(&content), Some((7, None)));
    // One that is cut off is not taken for another.
    assert_eq!(read(&content[..12]), None);
    assert_eq!(read(&content[..content.len() - 20]), None);
}

proptest::proptest! {
    #[test]
    fn no_content_of_a_message_makes_it_panic(
        kind in proptest::sample::select(vec![2u16, 3, 16, 20, 24]),
        content in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        length in 0u16..40,
    ) {
        let mut content = content;
        // Attributes begin after a header; a length that may fit makes them likelier to be read.
        if let Some(first) = content.get_mut(12..14) {
            first.copy_from_slice(&length.to_ne_bytes());
        }
        for message in Messages(&framed(kind, &content)).flatten() {
            match message.payload {
                NetlinkPayload::InnerMessage(Answer::Route(message)) => {
                    let _ = (route(&message, &HashMap::new()), leaving(&message, &HashMap::new()));
                }
                NetlinkPayload::InnerMessage(Answer::Link(link)) => drop(interface(link)),
                NetlinkPayload::InnerMessage(Answer::Address(message)) => {
                    let _ = address(&message);
                }
                _ => {}
            }
        }
    }
}
