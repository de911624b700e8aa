//! Refusals: what is not in the language, why, and what to write instead.
//!
//! Whatever cannot be compiled is an error at the token, and says what to write; nothing falls back to something
//! else. Each error has a case in the repository's `ui-tests/`, named by the mistake. This page is the list of what a
//! Rust, NumPy or PyTorch programmer may expect and does not find.
//!
//! # Statements
//!
//! | refused | why | instead |
//! |---|---|---|
//! | `while`, `loop`, `break`, `continue` | a program's length is known before it runs | `for t in 0..T` |
//! | `return` before the end, `?` | every value is computed; nothing fails inside | the body's last expression |
//! | `if` on a tensor | what it holds is not known when the program is made | `where_(condition, a, b)` |
//! | `if` without `else` as a value, `match` without all values | there would be none | `else`, `_ =>` |
//! | guards and bindings in `match` | arms are picked by constants | `if .. else if ..` |
//! | `x += 1` of what is not `let mut`, `mut` parameters | a name is a value | `let x = x + 1;`, `let mut x = x;` |
//! | a `let mut` that changes its type in a loop | an iteration starts with what the one before left | `zeros([B, D])` as the start |
//! | `x[0] = y`, `m.w = y` | tensors do not change, parameters by training alone | `x.set(0, y)`, a `State` |
//! | a value that is not used | there are no effects | leave it out |
//! | `println!` and other macros, items in a body | a body is a program over tensors | results, printed outside |
//! | closures in variables | a function has a name and types | `#[model] fn`; closures are arguments of derivatives |
//! | `ys.push(y)` in an `if`, `ys` read in its loop | the length of a list is that of its loops | `ys.push(if .. { a } else { b })` |
//!
//! # Expressions
//!
//! | refused | why | instead |
//! |---|---|---|
//! | variables from outside | the program is made before they have a value | an argument, or a `const` |
//! | plain Rust functions and methods | they know no tensors | `#[model]` on them, or call them outside |
//! | `x as f32` | elements are cast, not values | `x.cast(f32)` |
//! | `1f32` | a literal takes the type of what it meets | `1` |
//! | `[1.0, 2.0]` as a value | an array is data | an argument, `stack([a, b])`, `arange(N)` |
//! | `i / j` of integers | Python and Rust round differently | `(i.cast(float) / j.cast(float)).floor()` |
//! | `x + i` of a float and an integer | nothing is converted silently | `x + i.cast(float)` |
//! | `0.5` beside integers, `-1` beside u32 | they do not hold it | a cast |
//! | `a < b < c` | it does not chain in Rust | `a < b && b < c` |
//! | `x[mask]` by bools | the result's size would depend on values | `where_(mask, x, 0)` |
//! | an axis, a flag or a text that is no literal | shapes are known when the crate compiles | a literal |
//! | `f(x = y)` of a model function | names of parameters are its own affair | arguments in order |
//! | recursion | a program has an end | a loop |
//!
//! # Types
//!
//! | refused | why | instead |
//! |---|---|---|
//! | `H * D` without braces, `_`, `N % 2` as a dim | Rust's grammar; a function says what it takes; `%` has no normal form | `{ H * D }`, a symbol, `{ 2 * M }` |
//! | two sequences in a function, `[S]` behind a dim | nobody could tell which dims are whose | one symbol for both, or names for the dims of one |
//! | shapes that are equal for some sizes only | a function is checked for all | one symbol, or `where(..)` |
//! | broadcasting of a symbol that happens to be 1 | what repeats is known when the crate compiles | a literal 1 |
//! | `f32`, `Option`, `Vec`, tuples, `Tensor` by `&` as parameters | values are tensors and structs | `Tensor`, one parameter for each |
//! | structs by value or as results | their parameters live in the model | `&Net`; tensors as results |
//! | integers and halves in `Param` and `State` | they are of the working float | an argument; a cast where it is used: `self.w.cast(f16)` |
//! | `T: Bound`, lifetimes, const generics | symbols are sizes | `<B, D>` |
//! | tuple structs, trait impls, `async`, `const`, `unsafe`, `extern` functions | a model is fields with names, and functions | a `struct` with named fields |
//! | `#[cfg]` inside an item | the macro sees it before it is evaluated | `#[cfg]` on the whole item |
//!
//! # Other names
//!
//! Where a name of PyTorch or NumPy means what has another form here, the error says which: `view` is `reshape`,
//! `bmm` is `matmul`, `detach` is `stop_gradient`, `masked_fill` is `where_`, `transpose(1, 2)` is `swapaxes(1, 2)`,
//! `size` and `shape` are the symbols of the type. Where both libraries have a name with other defaults, NumPy's
//! count: `var` divides by n, `sum` has `axis` and `keepdims`.
