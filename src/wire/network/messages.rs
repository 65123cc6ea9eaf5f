//! The three lists that the kernel is asked for, as messages of rtnetlink: what asks for them, and what an entry says.
//!
//! `netlink-packet-route` reads all that the kernel can tell: filters, tunnels, virtual functions. Its whole message would be 0.4 MB
//! of the program; so only its routes and addresses are taken, and of an interface what is kept.

use netlink_packet_core::{
    DecodeError, Emitable, NetlinkDeserializable, NetlinkHeader, NetlinkPayload, NetlinkSerializable, NlaBuffer,
    NlasIterator, Parseable, parse_string,
};
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::{LinkFlags, LinkHeader};
use netlink_packet_route::route::RouteMessage;

/// The types of messages (linux/rtnetlink.h).
const NEW_LINK: u16 = 16;
const GET_LINK: u16 = 18;
const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;
const NEW_ROUTE: u16 = 24;
const GET_ROUTE: u16 = 26;
/// Attributes of an interface, and of the description that is nested in one (linux/if_link.h).
const NAME: u16 = 3;
const INFO: u16 = 18;
const INFO_KIND: u16 = 1;

/// What is asked.
pub enum Question {
    Links,
    Addresses(AddressMessage),
    Routes(RouteMessage),
}

/// An entry of what comes back.
pub enum Answer {
    Link(Link),
    Address(AddressMessage),
    Route(RouteMessage),
}

/// An interface.
pub struct Link {
    pub index: u32,
    pub flags: LinkFlags,
    pub name: String,
    /// What it is when it is no card: `bridge`, `veth`.
    pub kind: Option<String>,
}

impl Question {
    /// What follows the header.
    fn content(&self) -> Vec<u8> {
        let emitted = |content: &dyn Emitable| {
            let mut bytes = vec![0; content.buffer_len()];
            content.emit(&mut bytes);
            bytes
        };
        match self {
            Self::Links => emitted(&LinkHeader::default()),
            Self::Addresses(message) => emitted(message),
            Self::Routes(message) => emitted(message),
        }
    }
}

impl NetlinkSerializable for Question {
    fn message_type(&self) -> u16 {
        match self {
            Self::Links => GET_LINK,
            Self::Addresses(_) => GET_ADDRESS,
            Self::Routes(_) => GET_ROUTE,
        }
    }

    fn buffer_len(&self) -> usize {
        self.content().len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.content());
    }
}

impl From<Question> for NetlinkPayload<Question> {
    fn from(question: Question) -> Self {
        Self::InnerMessage(question)
    }
}

impl NetlinkDeserializable for Answer {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        match header.message_type {
            NEW_LINK => Link::parse(payload).map(Self::Link),
            NEW_ADDRESS => AddressMessage::parse(payload).map(Self::Address),
            NEW_ROUTE => RouteMessage::parse(payload).map(Self::Route),
            other => Err(format!("nothing of the type {other} was asked for").into()),
        }
    }
}

impl Parseable<[u8]> for Link {
    fn parse(payload: &[u8]) -> Result<Self, DecodeError> {
        let header = LinkHeader::parse(payload)?;
        let attributes = payload.get(header.buffer_len()..).unwrap_or_default();
        let name = text(attributes, NAME)?.unwrap_or_default();
        let kind = match attribute(attributes, INFO)? {
            Some(info) => text(info.value(), INFO_KIND)?,
            None => None,
        };
        Ok(Self { index: header.index, flags: header.flags, name, kind })
    }
}

/// The first attribute of that type.
fn attribute(attributes: &[u8], kind: u16) -> Result<Option<NlaBuffer<&[u8]>>, DecodeError> {
    NlasIterator::new(attributes).find(|one| one.as_ref().map_or(true, |one| one.kind() == kind)).transpose()
}

fn text(attributes: &[u8], kind: u16) -> Result<Option<String>, DecodeError> {
    attribute(attributes, kind)?.map(|one| parse_string(one.value())).transpose()
}
