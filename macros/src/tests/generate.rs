//! Programs from nothing: items with the forms that the language has, and names that may fit.
//!
//! Most are wrong in their dims, so that messages are made; that they are Rust is all that is promised.

use sinew_fuzz::Random;
use std::fmt::Write;

const SYMBOLS: &[&str] = &["A", "B", "C", "N", "r#In"];
const CONSTS: &[&str] = &["WIDTH", "HALF", "self::DEEP"];
const STRUCTS: &[&str] = &["One", "Two", "r#Three", "Größe"];
const FUNCTIONS: &[&str] = &["first", "second", "third", "r#loop"];
const METHODS: &[&str] = &["forward", "scale", "r#match"];
const FIELDS: &[&str] = &["w", "b", "inner", "r#type"];
const DTYPES: &[&str] = &["f32", "f64", "i32", "u32", "bool", "float", "f16", "bf16"];
/// Called as `name(x, ..)` and as `x.name(..)`.
const OPERATIONS: &[&str] = &[
    "matmul",
    "sum",
    "mean",
    "max",
    "min",
    "argmax",
    "softmax",
    "log_softmax",
    "logsumexp",
    "relu",
    "gelu",
    "exp",
    "log",
    "sqrt",
    "tanh",
    "abs",
    "sign",
    "floor",
    "reshape",
    "flatten",
    "squeeze",
    "unsqueeze",
    "permute",
    "t",
    "expand",
    "concat",
    "stack",
    "einsum",
    "where_",
    "select",
    "maximum",
    "minimum",
    "pow",
    "clamp",
    "cast",
    "one_hot",
    "take",
    "take_along_axis",
    "index_add",
    "iota",
    "zeros",
    "ones",
    "full",
    "cross_entropy",
    "stop_gradient",
    "dropout",
    "var",
    "norm",
    "pad",
    "split",
    "rearrange",
    "reduce",
    "repeat",
    "set",
    "add_at",
    "narrow",
    "slice",
    "chunk",
    "windows",
    "meshgrid",
    "triu",
];

/// A source of some items.
pub fn program(random: &mut Random) -> String {
    let mut g = Generator {
        random,
        out: String::new(),
        locals: Vec::new(),
        depth: 0,
    };
    let items = 1 + g.random.below(4);
    for _ in 0..items {
        g.item();
    }
    g.out
}

struct Generator<'r> {
    random: &'r mut Random,
    out: String,
    locals: Vec<String>,
    depth: usize,
}

impl Generator<'_> {
    fn item(&mut self) {
        match self.random.below(6) {
            0 | 1 => {
                self.out += "#[model(methods)]\n";
                self.structure();
                self.out += "#[model]\n";
                self.methods();
            }
            2 => {
                self.out += "#[model]\nmod inside {\n";
                for _ in 0..1 + self.random.below(3) {
                    match self.random.below(3) {
                        0 => self.structure(),
                        1 => self.methods(),
                        _ => self.function(false),
                    }
                }
                self.out += "}\n";
            }
            3 => {
                let (left, right) = (self.dim(), self.dim());
                let relation = self.random.pick(&["==", "<=", "<", ">", "!="]);
                let _ = writeln!(self.out, "#[model(where({left} {relation} {right}))]");
                self.function(false);
            }
            _ => {
                self.out += "#[model]\n";
                self.function(false);
            }
        }
    }

    /// `<A, B>`, or nothing.
    fn symbols(&mut self, sequence: bool) -> String {
        let mut names: Vec<&str> = SYMBOLS
            .iter()
            .copied()
            .filter(|_| self.random.one_in(2))
            .collect();
        if sequence && self.random.one_in(3) {
            names.insert(0, "S");
        }
        match names.is_empty() {
            true => String::new(),
            false => format!("<{}>", names.join(", ")),
        }
    }

    fn structure(&mut self) {
        let (name, symbols) = (self.random.pick(STRUCTS), self.symbols(false));
        let _ = write!(self.out, "pub struct {name}{symbols} {{ ");
        for field in FIELDS {
            if self.random.one_in(2) {
                continue;
            }
            let (init, ty) = match self.random.below(4) {
                0 => (String::new(), self.of_struct()),
                1 => (String::new(), format!("State<{}>", self.dims(false))),
                _ => {
                    let init = self.random.pick(&[
                        "zeros",
                        "ones",
                        "constant(-1e30)",
                        "uniform(0, 1)",
                        "kaiming_uniform",
                        "nothing",
                    ]);
                    (
                        format!("#[init({init})] "),
                        format!("Param<{}>", self.dims(false)),
                    )
                }
            };
            let _ = write!(self.out, "{init}pub {field}: {ty}, ");
        }
        self.out += "}\n";
    }

    fn of_struct(&mut self) -> String {
        let name = self.random.pick(STRUCTS);
        match self.random.below(3) {
            0 => name.to_string(),
            _ => format!("{name}<{}>", self.dims(false)),
        }
    }

    fn methods(&mut self) {
        let (owner, symbols) = (self.of_struct(), self.symbols(false));
        let _ = writeln!(self.out, "impl{symbols} {owner} {{");
        for _ in 0..1 + self.random.below(2) {
            self.function(true);
        }
        self.out += "}\n";
    }

    fn function(&mut self, method: bool) {
        let name = self.random.pick(if method { METHODS } else { FUNCTIONS });
        let symbols = self.symbols(true);
        self.locals = if method {
            vec!["self".into()]
        } else {
            Vec::new()
        };
        let mut parameters: Vec<String> = self.locals.iter().map(|s| format!("&{s}")).collect();
        for p in ["x", "y", "m", "r#in"] {
            if self.random.one_in(3) {
                continue;
            }
            let ty = match self.random.below(4) {
                0 => format!("&{}", self.of_struct()),
                _ => self.tensor(),
            };
            parameters.push(format!("{p}: {ty}"));
            self.locals.push(p.into());
        }
        let result = match self.random.below(4) {
            0 => format!("({}, {})", self.tensor(), self.tensor()),
            1 => "Tensor".to_string(),
            _ => self.tensor(),
        };
        let body = self.block();
        let parameters = parameters.join(", ");
        let _ = writeln!(
            self.out,
            "pub fn {name}{symbols}({parameters}) -> {result} {body}"
        );
    }

    fn tensor(&mut self) -> String {
        let dims = self.dims(true);
        match self.random.below(5) {
            0 => format!("Tensor<{}, {dims}>", self.random.pick(DTYPES)),
            _ => format!("Tensor<{dims}>"),
        }
    }

    fn dims(&mut self, sequence: bool) -> String {
        let mut out = Vec::new();
        if sequence && self.random.one_in(4) {
            out.push("[S]".to_string());
        }
        for _ in 0..self.random.below(4) {
            let dim = self.dim();
            out.push(match dim.contains(' ') {
                true => format!("{{ {dim} }}"),
                false => dim,
            });
        }
        out.join(", ")
    }

    fn dim(&mut self) -> String {
        self.depth += 1;
        let choice = self.random.below(if self.depth > 4 { 4 } else { 6 });
        let out = match choice {
            0 => self
                .random
                .pick(&[
                    "0",
                    "1",
                    "2",
                    "4",
                    "64",
                    "4294967296",
                    "9223372036854775807",
                ])
                .to_string(),
            1 => self.random.pick(CONSTS).to_string(),
            2 | 3 => self.random.pick(SYMBOLS).to_string(),
            _ => {
                let sign = self.random.pick(&["+", "-", "*", "/"]);
                format!("({}) {sign} ({})", self.dim(), self.dim())
            }
        };
        self.depth -= 1;
        out
    }

    fn block(&mut self) -> String {
        let known = self.locals.len();
        let mut out = String::from("{ ");
        for _ in 0..self.random.below(4) {
            let value = self.expression();
            let name = self.random.pick(&["a", "b", "x", "r#fn", "n"]);
            let statement = match self.random.below(6) {
                0 => format!("let (a, _) = {value}; "),
                1 => format!("let {name}: {} = {value}; ", self.tensor()),
                2 => format!("{value}; "),
                _ => format!("let {name} = {value}; "),
            };
            out += &statement;
            self.locals.push(name.into());
        }
        out += &self.expression();
        self.locals.truncate(known);
        out + " }"
    }

    fn expression(&mut self) -> String {
        self.depth += 1;
        let out = match self.random.below(if self.depth > 5 { 3 } else { 14 }) {
            0 | 1 if !self.locals.is_empty() => self.random.pick(&self.locals),
            0..=2 => self
                .random
                .pick(&[
                    "0.5",
                    "2",
                    "1e-5",
                    "-1",
                    "B",
                    "WIDTH",
                    "true",
                    "\"ab,bc->ac\"",
                    "18446744073709551616",
                ])
                .to_string(),
            3 | 4 => {
                let sign = self.random.pick(&[
                    "+", "-", "*", "/", "%", "<", "<=", "==", "&&", "||", "^", "<<",
                ]);
                format!("({} {sign} {})", self.expression(), self.expression())
            }
            5 => format!("({})", self.list()),
            6 => format!("[{}]", self.list()),
            7 => format!("{}({})", self.random.pick(OPERATIONS), self.list()),
            8 | 9 => format!(
                "{}.{}({})",
                self.expression(),
                self.random.pick(OPERATIONS),
                self.list()
            ),
            10 => {
                let name = self.random.pick(&[FUNCTIONS, METHODS].concat());
                match self.random.below(3) {
                    0 => format!("{}::{name}({})", self.random.pick(STRUCTS), self.list()),
                    1 => format!("{}.{name}({})", self.expression(), self.list()),
                    _ => format!("{name}({})", self.list()),
                }
            }
            11 => {
                let index = self.random.pick(&[
                    "0",
                    "(0, ..)",
                    "(.., -1)",
                    "(1..3)",
                    "(..B, 0)",
                    "(a)",
                    "(0..WIDTH)",
                    "()",
                ]);
                format!("{}[{index}]", self.expression())
            }
            12 => format!("{}.{}", self.expression(), self.random.pick(FIELDS)),
            _ => match self.random.below(3) {
                0 => format!("({})", self.block()),
                1 => format!("-{}", self.expression()),
                _ => format!(
                    "(if {} {} else {})",
                    self.expression(),
                    self.block(),
                    self.block()
                ),
            },
        };
        self.depth -= 1;
        out
    }

    fn list(&mut self) -> String {
        let mut out: Vec<String> = Vec::new();
        for _ in 0..self.random.below(4) {
            let value = self.expression();
            out.push(match self.random.below(5) {
                0 => {
                    let name =
                        self.random
                            .pick(&["axis", "axes", "keepdims", "approximate", "shape"]);
                    format!("{name} = {value}")
                }
                _ => value,
            });
        }
        out.join(", ")
    }
}
