//! JSON read with forgiveness: a field of another kind than expected reads as empty, an unknown one is skipped, and texts are
//! borrowed from the line wherever it holds no escapes. So reports of older and of newer minor versions are read alike.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A text; empty when it is null, missing, or no text at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;

            fn expecting(&self, words: &mut fmt::Formatter) -> fmt::Result {
                words.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }

            fn visit_bool<E>(self, _: bool) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }

            fn visit_i64<E>(self, _: i64) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }

            fn visit_u64<E>(self, _: u64) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }

            fn visit_f64<E>(self, _: f64) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Text<'de>, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Text<'de>, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text::default())
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// Is there something other than null?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given(pub bool);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<IgnoredAny>::deserialize(deserializer).map(|there| Self(there.is_some()))
    }
}

/// A list; empty when it is null or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// As many as most lists have here: the checks of a VM.
const USUAL: usize = 16;

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = List<T>;

            fn expecting(&self, words: &mut fmt::Formatter) -> fmt::Result {
                words.write_str("a list")
            }

            fn visit_unit<E>(self) -> Result<List<T>, E> {
                Ok(List::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    if list.is_empty() {
                        list.reserve(USUAL);
                    }
                    list.push(item);
                }
                Ok(List(list))
            }
        }

        deserializer.deserialize_any(Reader(std::marker::PhantomData))
    }
}

/// Reads the name of a member as the number of a field, without keeping it.
pub struct Key<F>(pub F);

impl<'de, F: FnOnce(&str) -> usize> DeserializeSeed<'de> for Key<F> {
    type Value = usize;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, F: FnOnce(&str) -> usize> Visitor<'de> for Key<F> {
    type Value = usize;

    fn expecting(&self, words: &mut fmt::Formatter) -> fmt::Result {
        words.write_str("a name")
    }

    #[inline]
    fn visit_str<E>(self, name: &str) -> Result<usize, E> {
        Ok((self.0)(name))
    }
}

/// Makes a struct whose fields are read by these names; null reads as a struct with nothing in it.
macro_rules! lenient {
    ($(#[$about:meta])* $name:ident { $($(#[$of_field:meta])* $field:ident: $kind:ty = $key:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name<'a> {
            $($(#[$of_field])* pub $field: $kind,)*
        }

        impl<'a> $name<'a> {
            /// Reads one member into its field. Tells whether there was one, or what went wrong and whether that was where a member
            /// should begin.
            #[inline]
            fn member<'de: 'a, A: serde::de::MapAccess<'de>>(&mut self, members: &mut A) -> Result<bool, (bool, A::Error)> {
                #[allow(non_camel_case_types)]
                enum Field {
                    $($field,)*
                    other_,
                }
                let field = |name: &str| match name {
                    $($key => Field::$field as usize,)*
                    _ => Field::other_ as usize,
                };
                let Some(key) = members.next_key_seed($crate::fleet::lenient::Key(field)).map_err(|error| (true, error))?
                else {
                    return Ok(false);
                };
                let read = match key {
                    $(key if key == Field::$field as usize => members.next_value().map(|value| self.$field = value),)*
                    _ => members.next_value::<serde::de::IgnoredAny>().map(|_| ()),
                };
                read.map(|()| true).map_err(|error| (false, error))
            }
        }

        impl<'de: 'a, 'a> serde::Deserialize<'de> for $name<'a> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader<'a>(std::marker::PhantomData<&'a ()>);

                impl<'de: 'a, 'a> serde::de::Visitor<'de> for Reader<'a> {
                    type Value = $name<'a>;

                    fn expecting(&self, words: &mut std::fmt::Formatter) -> std::fmt::Result {
                        words.write_str("an object")
                    }

                    fn visit_unit<E>(self) -> Result<Self::Value, E> {
                        Ok($name::default())
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
                        let mut read = $name::default();
                        while read.member(&mut members).map_err(|(_, error)| error)? {}
                        Ok(read)
                    }
                }

                deserializer.deserialize_any(Reader(std::marker::PhantomData))
            }
        }
    };
}

pub(super) use lenient;
