//! Configuration as `serde` reads and writes it: for the types that `#[model]` makes.

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serializer};
use sinew_ir::{SymbolType, SymbolValue};
use std::fmt;

/// A field of a configuration.
pub struct ConfigField {
    /// Its name.
    pub name: &'static str,
    /// Another name that it is read by: that of a size in small letters.
    pub alias: &'static str,
    /// Its type.
    pub ty: SymbolType,
    /// The names of what it can be, of an enum.
    pub variants: &'static [&'static str],
    /// The same in small letters, by which they are read too.
    pub variant_aliases: &'static [&'static str],
    /// What it is where it is left out.
    pub default: Option<SymbolValue>,
}

/// Reads a configuration: the values of its fields, in their order.
///
/// # Errors
/// A field that is missing, unknown, there twice, or of another type.
pub fn read_config<'de, D: Deserializer<'de>>(
    deserializer: D,
    name: &'static str,
    names: &'static [&'static str],
    fields: &'static [ConfigField],
) -> Result<Vec<SymbolValue>, D::Error> {
    let config = Config {
        name,
        names,
        fields,
    };
    deserializer.deserialize_struct(name, names, config)
}

/// Writes a configuration: its fields, and their values.
///
/// # Errors
/// Those of the format.
pub fn write_config<S: Serializer>(
    serializer: S,
    name: &'static str,
    fields: &[ConfigField],
    values: &[SymbolValue],
) -> Result<S::Ok, S::Error> {
    let mut out = serializer.serialize_struct(name, values.len())?;
    for (field, value) in fields.iter().zip(values) {
        let variant = value.size().and_then(|i| field.variants.get(i));
        match (variant, value) {
            (Some(variant), _) => out.serialize_field(field.name, variant)?,
            (None, SymbolValue::Size(v)) => out.serialize_field(field.name, v)?,
            (None, SymbolValue::Float(v)) => out.serialize_field(field.name, v)?,
            (None, SymbolValue::Bool(v)) => out.serialize_field(field.name, v)?,
        }
    }
    out.end()
}

impl<'de> DeserializeSeed<'de> for &ConfigField {
    type Value = SymbolValue;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<SymbolValue, D::Error> {
        Ok(match self.ty {
            SymbolType::Size if !self.variants.is_empty() => {
                let name = String::deserialize(from)?;
                let named = self.variants.iter().position(|v| *v == name);
                let alias = || self.variant_aliases.iter().position(|v| *v == name);
                let found = named.or_else(alias);
                let number = found.ok_or_else(|| de::Error::unknown_variant(&name, self.variants));
                SymbolValue::Size(number?)
            }
            SymbolType::Size => SymbolValue::Size(usize::deserialize(from)?),
            SymbolType::Float => SymbolValue::Float(f64::deserialize(from)?),
            SymbolType::Bool => SymbolValue::Bool(bool::deserialize(from)?),
        })
    }
}

struct Config {
    name: &'static str,
    names: &'static [&'static str],
    fields: &'static [ConfigField],
}

impl Config {
    /// The values, where those that were left out have a default.
    fn whole<E: de::Error>(&self, values: &[Option<SymbolValue>]) -> Result<Vec<SymbolValue>, E> {
        let pairs = self.fields.iter().zip(values);
        pairs
            .map(|(field, value)| {
                let value = value.or(field.default);
                value.ok_or_else(|| E::missing_field(field.name))
            })
            .collect()
    }
}

impl<'de> Visitor<'de> for Config {
    type Value = Vec<SymbolValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration {}", self.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<SymbolValue>, A::Error> {
        let mut values = vec![None; self.fields.len()];
        while let Some(key) = map.next_key::<String>()? {
            let is_it = |f: &ConfigField| f.name == key || f.alias == key;
            // A field's own name is before another's alias.
            let named = self.fields.iter().position(|f| f.name == key);
            let found = named.or_else(|| self.fields.iter().position(is_it));
            let Some(at) = found else {
                return Err(de::Error::unknown_field(&key, self.names));
            };
            if values[at].is_some() {
                return Err(de::Error::duplicate_field(self.fields[at].name));
            }
            values[at] = Some(map.next_value_seed(&self.fields[at])?);
        }
        self.whole(&values)
    }

    /// For formats without names.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<SymbolValue>, A::Error> {
        let mut values = Vec::with_capacity(self.fields.len());
        for field in self.fields {
            values.push(seq.next_element_seed(field)?);
        }
        self.whole(&values)
    }
}
