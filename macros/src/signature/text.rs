//! Signatures as text: length-prefixed parts in a fixed order, so that nothing needs escaping.
//!
//! Parsing literals is what chains cost, so this is short rather than readable.

use super::{ConstName, Field, FieldKind, Function, Param, ParamType, Signature, Struct};
use crate::parse::dims;
use crate::parse::types::LONGEST_ARRAY;
use sinew_ir::{
    Constraint, DType, Dim, Relation, Shape, Symbol, SymbolKind, SymbolSource, SymbolType, Type,
};

/// The text of a signature.
pub fn encode(signature: &Signature) -> String {
    let mut w = Writer(String::new());
    w.number(usize::from(signature.broken));
    w.list(&signature.consts, |w, c| {
        w.text(&c.name);
        w.text(&c.origin);
    });
    w.list(&signature.structs, Writer::structure);
    w.list(signature.function.as_slice(), Writer::function);
    w.0
}

/// The signature of a text.
pub fn decode(text: &str) -> Option<Signature> {
    let mut r = Reader(text);
    Some(Signature {
        broken: r.number()? == 1,
        consts: r.list(|r| {
            Some(ConstName {
                name: r.text()?,
                origin: r.text()?,
            })
        })?,
        structs: r.list(Reader::structure)?,
        function: r.list(Reader::function)?.pop(),
    })
}

struct Writer(String);

impl Writer {
    fn number(&mut self, n: usize) {
        self.0.push_str(&n.to_string());
        self.0.push(' ');
    }

    fn text(&mut self, s: &str) {
        self.number(s.len());
        self.0.push_str(s);
    }

    fn list<T>(&mut self, list: &[T], each: impl Fn(&mut Self, &T)) {
        self.number(list.len());
        for item in list {
            each(self, item);
        }
    }

    fn dim(&mut self, dim: &Dim) {
        self.text(&dim.to_string());
    }

    fn ty(&mut self, ty: &Type) {
        self.text(ty.dtype.name());
        self.text(ty.shape.sequence.as_ref().map_or("", Symbol::name));
        self.list(&ty.shape.dims, Writer::dim);
    }

    fn param_type(&mut self, ty: &ParamType) {
        match ty {
            ParamType::Tensor(t) => {
                self.number(0);
                self.ty(t);
            }
            ParamType::Struct(structure, dims) => {
                self.number(1);
                self.number(*structure);
                self.list(dims, Writer::dim);
            }
            ParamType::Tuple(parts) => {
                self.number(2);
                self.list(parts, Writer::param_type);
            }
            ParamType::Array(part, count) => {
                self.number(3);
                self.number(*count);
                self.param_type(part);
            }
        }
    }

    fn structure(&mut self, s: &Struct) {
        self.text(&s.id);
        self.text(&s.name);
        self.text(&s.at);
        self.list(&s.symbols, |w, s| w.text(s.name()));
        self.list(&s.fields, |w, f| {
            w.text(&f.name);
            match &f.kind {
                FieldKind::Param(t) => {
                    w.number(0);
                    w.ty(t);
                }
                FieldKind::State(t) => {
                    w.number(1);
                    w.ty(t);
                }
                FieldKind::Child(structure, dims, count) => {
                    w.number(2);
                    w.number(*structure);
                    w.list(dims, Writer::dim);
                    w.list(count.as_slice(), Writer::dim);
                }
                FieldKind::Setting(ty) => {
                    w.number(3);
                    w.number(code(*ty, SymbolSource::Caller));
                }
            }
            w.list(f.default.as_slice(), |w, value| w.text(value));
        });
        self.list(&s.variants, |w, v| w.text(v));
        self.list(&s.methods, Writer::function);
        self.number(usize::from(s.told));
        self.text(&s.visibility);
        self.number(usize::from(s.marked));
    }

    fn function(&mut self, f: &Function) {
        self.text(&f.id);
        self.text(&f.name);
        self.text(&f.at);
        self.list(&f.symbols, |w, (s, kind)| {
            w.text(s.name());
            w.number(match kind {
                SymbolKind::Sequence => 0,
                SymbolKind::Value(ty, source) => 1 + code(*ty, *source),
            });
        });
        self.number(f.outer);
        self.list(&f.constraints, |w, c| {
            w.dim(&c.left);
            w.number(match c.relation {
                Relation::Equal => 0,
                Relation::AtMost => 1,
                Relation::Below => 2,
            });
            w.dim(&c.right);
        });
        self.list(&f.params, |w, p| {
            w.text(&p.name);
            w.param_type(&p.ty);
        });
        self.list(&f.results, Writer::ty);
        self.number(usize::from(f.tuple));
        self.list(f.no_derivative.as_slice(), |w, why| w.text(why));
        self.number(usize::from(f.private));
    }
}

/// How deep tuples and arrays of parameters nest at most: items that nest deeper are refused.
const DEEPEST: usize = 256;

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn number(&mut self) -> Option<usize> {
        let (digits, rest) = self.0.split_once(' ')?;
        self.0 = rest;
        digits.parse().ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.number()?;
        let text = self.0.get(..length)?;
        self.0 = self.0.get(length..)?;
        Some(text.to_string())
    }

    fn list<T>(&mut self, each: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        // The count is not trusted with an allocation: the parts are.
        let count = self.number()?;
        let mut out = Vec::new();
        for _ in 0..count {
            out.push(each(self)?);
        }
        Some(out)
    }

    fn dim(&mut self) -> Option<Dim> {
        dim(&self.text()?)
    }

    fn ty(&mut self) -> Option<Type> {
        let dtype = DType::parse(&self.text()?)?;
        let sequence = self.text()?;
        Some(Type::new(
            dtype,
            Shape {
                sequence: (!sequence.is_empty()).then(|| Symbol::new(&sequence)),
                dims: self.list(Reader::dim)?,
            },
        ))
    }

    /// `depth` is how many levels of it are read.
    fn param_type(&mut self, depth: usize) -> Option<ParamType> {
        let depth = depth.checked_sub(1)?;
        Some(match self.number()? {
            0 => ParamType::Tensor(self.ty()?),
            1 => ParamType::Struct(self.number()?, self.list(Reader::dim)?),
            2 => ParamType::Tuple(self.list(|r| r.param_type(depth))?),
            _ => {
                // A text that somebody made up must not ask for much memory.
                let count = self.number().filter(|n| *n <= LONGEST_ARRAY)?;
                ParamType::Array(Box::new(self.param_type(depth)?), count)
            }
        })
    }

    fn structure(&mut self) -> Option<Struct> {
        Some(Struct {
            id: self.text()?,
            name: self.text()?,
            at: self.text()?,
            symbols: self.list(|r| r.text().map(|s| Symbol::new(&s)))?,
            fields: self.list(|r| {
                Some(Field {
                    name: r.text()?,
                    kind: match r.number()? {
                        0 => FieldKind::Param(r.ty()?),
                        1 => FieldKind::State(r.ty()?),
                        3 => FieldKind::Setting(*TYPES.get(r.number()?)?),
                        _ => FieldKind::Child(
                            r.number()?,
                            r.list(Reader::dim)?,
                            r.list(Reader::dim)?.pop(),
                        ),
                    },
                    default: r.list(Reader::text)?.pop(),
                })
            })?,
            variants: self.list(Reader::text)?,
            methods: self.list(Reader::function)?,
            told: self.number()? == 1,
            visibility: self.text()?,
            marked: self.number()? == 1,
        })
    }

    fn function(&mut self) -> Option<Function> {
        Some(Function {
            id: self.text()?,
            name: self.text()?,
            at: self.text()?,
            symbols: self.list(|r| {
                let symbol = Symbol::new(&r.text()?);
                let kind = match r.number()?.checked_sub(1) {
                    None => SymbolKind::Sequence,
                    Some(code) => value(code)?,
                };
                Some((symbol, kind))
            })?,
            outer: self.number()?,
            constraints: self.list(|r| {
                let left = r.dim()?;
                let relation = match r.number()? {
                    0 => Relation::Equal,
                    1 => Relation::AtMost,
                    _ => Relation::Below,
                };
                Some(Constraint {
                    left,
                    relation,
                    right: r.dim()?,
                })
            })?,
            params: self.list(|r| {
                Some(Param {
                    name: r.text()?,
                    ty: r.param_type(DEEPEST)?,
                })
            })?,
            results: self.list(Reader::ty)?,
            tuple: self.number()? == 1,
            no_derivative: self.list(Reader::text)?.pop(),
            private: self.number()? == 1,
        })
    }
}

/// The types of values.
const TYPES: [SymbolType; 3] = [SymbolType::Size, SymbolType::Float, SymbolType::Bool];

/// What a symbol's value is and where it is from, as a number.
fn code(ty: SymbolType, source: SymbolSource) -> usize {
    let ty = TYPES.iter().position(|t| *t == ty).unwrap_or_default();
    match source {
        SymbolSource::Caller => ty,
        SymbolSource::Rustc => TYPES.len() + ty,
    }
}

fn value(code: usize) -> Option<SymbolKind> {
    let ty = TYPES.get(code % TYPES.len())?;
    match code / TYPES.len() {
        0 => Some(SymbolKind::Value(*ty, SymbolSource::Caller)),
        1 => Some(SymbolKind::Value(*ty, SymbolSource::Rustc)),
        _ => None,
    }
}

/// A dim as it prints.
fn dim(text: &str) -> Option<Dim> {
    if let Ok(value) = text.parse::<i64>() {
        return Some(Dim::constant(value));
    }
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Some(Dim::symbol(text));
    }
    let dim = dims::of_text(text)?;
    dim.resolve(&mut |path| match path.get_ident() {
        Some(name) => Ok(Dim::symbol(&name.to_string())),
        None => Err(crate::messages::dim_arithmetic(
            proc_macro2::Span::call_site(),
        )),
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dims_read_back_as_printed() {
        let (b, n) = (Dim::symbol("B"), Dim::symbol("N"));
        let two = Dim::constant(2);
        let negative = b
            .checked_sub(&Dim::symbol("L"))
            .and_then(|d| d.checked_sub(&two));
        let quotient = negative.and_then(|d| d.floor_div(&n)).expect("small");
        assert!(quotient.to_string().starts_with('('), "{quotient}");
        let cases = [
            quotient.checked_add(&two).expect("small"),
            Dim::constant(0).checked_sub(&quotient).expect("small"),
            Dim::constant(0),
            Dim::constant(-3),
            b.clone(),
            b.checked_mul(&n).expect("small"),
            two.checked_sub(&b).expect("small"),
            n.checked_add(&two)
                .and_then(|d| d.floor_div(&b))
                .expect("small"),
            b.checked_mul(&b)
                .and_then(|d| d.checked_sub(&n))
                .expect("small"),
        ];
        for d in cases {
            assert_eq!(dim(&d.to_string()), Some(d));
        }
    }

    #[test]
    fn foreign_texts_are_refused() {
        for text in ["", "0", "0 5 ", "1 99999999999 ", "0 1 3 ab", "x"] {
            assert_eq!(decode(text), None);
        }
    }
}
