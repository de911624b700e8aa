//! Signatures: what one item tells the items that mention it.
//!
//! A struct tells its fields and its methods' signatures, closed over its children, a function its
//! types and assumptions, and of its structs the names: whoever calls it has one to pass, and rustc checks
//! that it is the same ([`crate::emit::unit`]). Bodies are never told: code links through Rust paths.

mod registry;
mod text;

pub use registry::{CONST_MARK, Configured, Const, Known, Registry, last};

use sinew_ir::{Constraint, Dim, Symbol, SymbolKind, SymbolType, Type};

/// An item's signature. Rust consts in its dims are symbols called `__c0`, `__c1`, .. : positions in
/// `consts`; the positions of structs count in `structs`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signature {
    /// Whether the item has an error in its own signature: who mentions it keeps silent.
    pub broken: bool,
    /// Rust consts in its dims.
    pub consts: Vec<ConstName>,
    /// The structs it mentions: closed, the item itself first, if it is a struct; the names of those of
    /// its own parameters, if it is a function.
    pub structs: Vec<Struct>,
    /// The function, if it is one.
    pub function: Option<Function>,
}

/// A Rust const in a dim.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstName {
    /// As its author wrote it, without the path.
    pub name: String,
    /// What tells it from others of the same name: item and position of its first mention.
    pub origin: String,
}

/// A struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// What tells it from all others; empty where the name alone is known.
    pub id: String,
    /// Name.
    pub name: String,
    /// Where it is declared, `src/linear.rs:12`.
    pub at: String,
    /// Its symbols.
    pub symbols: Vec<Symbol>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// What an enum can be, whose only field says which it is; none for a struct.
    pub variants: Vec<String>,
    /// Its methods.
    pub methods: Vec<Function>,
    /// Whether it comes with what is in it.
    pub told: bool,
    /// Its visibility, as written.
    pub visibility: String,
    /// Whether methods may come: it is marked, or stands in a `#[model] mod`.
    pub marked: bool,
}

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Name.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Of configuration, what it is where nobody says: a Rust literal, of an enum the variant's number.
    pub default: Option<String>,
}

/// The name of an enum's only field: its number among the variants.
pub const VARIANT: &str = "variant";

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldKind {
    /// A trained leaf.
    Param(Type),
    /// A leaf that is not trained.
    State(Type),
    /// Another struct at these dims; as many as the dim says, if there is one.
    Child(usize, Vec<Dim>, Option<Dim>),
    /// A value of the configuration, of this type.
    Setting(SymbolType),
}

/// A function or method.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// What tells its item from all others.
    pub id: String,
    /// Name, with the struct's in front for a method.
    pub name: String,
    /// Where it is declared.
    pub at: String,
    /// Its symbols, those of its impl block first.
    pub symbols: Vec<(Symbol, SymbolKind)>,
    /// How many of them are the impl block's.
    pub outer: usize,
    /// What it assumes of them.
    pub constraints: Vec<Constraint>,
    /// Its parameters; `self` first in a method.
    pub params: Vec<Param>,
    /// Its results.
    pub results: Vec<Type>,
    /// Whether they come as a tuple.
    pub tuple: bool,
    /// Why it has no derivative, if it is declared to have none.
    pub no_derivative: Option<String>,
    /// Whether it is a method that is not seen everywhere.
    pub private: bool,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Name.
    pub name: String,
    /// Type.
    pub ty: ParamType,
}

/// A type in a signature.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamType {
    /// A tensor.
    Tensor(Type),
    /// A struct at these dims.
    Struct(usize, Vec<Dim>),
    /// Several.
    Tuple(Vec<ParamType>),
    /// So many of one type.
    Array(Box<ParamType>, usize),
}

impl ParamType {
    /// The parts of a tuple or an array.
    pub fn parts(&self) -> Vec<&ParamType> {
        match self {
            ParamType::Tuple(parts) => parts.iter().collect(),
            ParamType::Array(part, count) => vec![part; *count],
            ParamType::Tensor(_) | ParamType::Struct(..) => Vec::new(),
        }
    }

    /// Its tensors in order, those of tuples and arrays too, each with its name: `xs.0`.
    fn add_tensors<'t>(&'t self, name: String, out: &mut Vec<(String, &'t ParamType)>) {
        match self {
            ParamType::Tensor(_) | ParamType::Struct(..) => out.push((name, self)),
            ParamType::Tuple(_) | ParamType::Array(..) => {
                for (i, part) in self.parts().into_iter().enumerate() {
                    part.add_tensors(format!("{name}.{i}"), out);
                }
            }
        }
    }

    /// Calls `f` with each dim in it.
    pub fn each_dim(&self, f: &mut dyn FnMut(&Dim)) {
        match self {
            ParamType::Tensor(t) => t.shape.dims.iter().for_each(f),
            ParamType::Struct(_, dims) => dims.iter().for_each(f),
            ParamType::Tuple(parts) => parts.iter().for_each(|p| p.each_dim(f)),
            ParamType::Array(part, _) => part.each_dim(f),
        }
    }
}

impl Struct {
    /// Whether it is an enum.
    pub fn is_enum(&self) -> bool {
        !self.variants.is_empty()
    }

    /// One of which the name alone is known that a signature has for it.
    pub fn named(name: String) -> Struct {
        Struct {
            id: String::new(),
            name,
            at: String::new(),
            symbols: Vec::new(),
            fields: Vec::new(),
            variants: Vec::new(),
            methods: Vec::new(),
            told: false,
            visibility: String::new(),
            marked: false,
        }
    }
}

impl Function {
    /// Calls `f` with each dim in it.
    fn each_dim(&self, f: &mut dyn FnMut(&Dim)) {
        for param in &self.params {
            param.ty.each_dim(f);
        }
        let results = self.results.iter().flat_map(|t| &t.shape.dims);
        results.for_each(&mut *f);
        for c in &self.constraints {
            f(&c.left);
            f(&c.right);
        }
    }

    /// The structs that its parameters are, each once, in the order in which its signature tells them.
    pub fn structs(&self) -> Vec<usize> {
        let mut out = Vec::new();
        for param in &self.params {
            if let ParamType::Struct(structure, _) = param.ty
                && !out.contains(&structure)
            {
                out.push(structure);
            }
        }
        out
    }

    /// Its parameters side by side: tuples and arrays as what is in them, each with its name.
    pub fn flat_params(&self) -> Vec<(String, &ParamType)> {
        let mut out = Vec::new();
        for p in &self.params {
            p.ty.add_tensors(p.name.clone(), &mut out);
        }
        out
    }

    /// Whether it takes `&self`.
    pub fn is_method(&self) -> bool {
        self.params.first().is_some_and(|p| p.name == "self")
    }
}

impl Signature {
    /// The text that the item's macro passes on.
    pub fn encode(&self) -> String {
        text::encode(self)
    }

    /// Reads such a text; `None` for any other.
    pub fn decode(text: &str) -> Option<Signature> {
        text::decode(text)
    }

    /// The signature of an item whose own signature has errors.
    pub fn broken() -> Signature {
        Signature {
            broken: true,
            ..Signature::default()
        }
    }

    /// The signature with every dim mapped by `dim` and every struct's position by `structure`.
    pub fn map(
        &self,
        dim: &dyn Fn(&Dim) -> Option<Dim>,
        structure: &dyn Fn(usize) -> Option<usize>,
    ) -> Option<Signature> {
        let map = Map { dim, structure };
        Some(Signature {
            broken: self.broken,
            consts: self.consts.clone(),
            structs: self
                .structs
                .iter()
                .map(|s| map.structure(s))
                .collect::<Option<_>>()?,
            function: match &self.function {
                Some(f) => Some(map.function(f)?),
                None => None,
            },
        })
    }
}

/// A mapping of everything in a signature.
pub struct Map<'a> {
    /// Of dims.
    pub dim: &'a dyn Fn(&Dim) -> Option<Dim>,
    /// Of positions of structs.
    pub structure: &'a dyn Fn(usize) -> Option<usize>,
}

impl Map<'_> {
    fn dims(&self, dims: &[Dim]) -> Option<Vec<Dim>> {
        dims.iter().map(self.dim).collect()
    }

    fn ty(&self, ty: &Type) -> Option<Type> {
        let mut ty = ty.clone();
        ty.shape.dims = self.dims(&ty.shape.dims)?;
        Some(ty)
    }

    fn param_type(&self, ty: &ParamType) -> Option<ParamType> {
        Some(match ty {
            ParamType::Tensor(t) => ParamType::Tensor(self.ty(t)?),
            ParamType::Struct(structure, dims) => {
                ParamType::Struct((self.structure)(*structure)?, self.dims(dims)?)
            }
            ParamType::Tuple(parts) => {
                let parts = parts.iter().map(|p| self.param_type(p));
                ParamType::Tuple(parts.collect::<Option<_>>()?)
            }
            ParamType::Array(part, count) => {
                ParamType::Array(Box::new(self.param_type(part)?), *count)
            }
        })
    }

    /// Maps a struct.
    pub fn structure(&self, s: &Struct) -> Option<Struct> {
        let mut out = s.clone();
        for field in &mut out.fields {
            field.kind = match &field.kind {
                FieldKind::Param(t) => FieldKind::Param(self.ty(t)?),
                FieldKind::State(t) => FieldKind::State(self.ty(t)?),
                FieldKind::Child(structure, dims, count) => {
                    let count = match count {
                        Some(count) => Some((self.dim)(count)?),
                        None => None,
                    };
                    FieldKind::Child((self.structure)(*structure)?, self.dims(dims)?, count)
                }
                FieldKind::Setting(ty) => FieldKind::Setting(*ty),
            };
        }
        out.methods = s
            .methods
            .iter()
            .map(|m| self.function(m))
            .collect::<Option<_>>()?;
        Some(out)
    }

    /// Maps a function.
    pub fn function(&self, f: &Function) -> Option<Function> {
        let mut out = f.clone();
        for param in &mut out.params {
            param.ty = self.param_type(&param.ty)?;
        }
        for t in &mut out.results {
            *t = self.ty(t)?;
        }
        for c in &mut out.constraints {
            c.left = (self.dim)(&c.left)?;
            c.right = (self.dim)(&c.right)?;
        }
        Some(out)
    }
}
