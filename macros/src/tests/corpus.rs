//! Programs that are right: tests of what they become, and where mutations start.

/// Sources, each a crate of its own.
pub const PROGRAMS: &[&str] = &[
    r#"
#[model(methods)]
pub struct Linear<I, O> {
    #[init(kaiming_uniform)] #[pytorch("weight", transposed)] pub w: Param<I, O>,
    #[init(zeros)] pub b: Param<O>,
}
#[model(pub)]
impl<I, O> Linear<I, O> {
    pub fn forward<S>(&self, x: Tensor<[S], I>) -> Tensor<[S], O> { matmul(x, self.w) + self.b }
}
#[model]
struct Digits { #[pytorch("{}_l0")] hidden: Linear<64, HIDDEN>, out: Linear<HIDDEN, 10> }
#[model]
fn logits<B>(m: &Digits, x: Tensor<B, 64>) -> Tensor<B, 10> {
    m.out.forward(m.hidden.forward(x).relu())
}
#[model]
fn loss<B>(m: &Digits, x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(logits(m, x), y)
}
"#,
    r#"
#[model(where(E == H * D, T <= 1024))]
fn attention<B, T, E, H, D>(q: Tensor<B, T, E>, k: Tensor<B, T, E>, v: Tensor<B, T, E>) -> (Tensor<B, T, E>, Tensor<B, H, T, T>) {
    let q = q.reshape([B, T, H, D]);
    let k = k.reshape([B, T, H, D]);
    let v = v.reshape([B, T, H, D]);
    let scores = einsum("bthd,bshd->bhts", q, k) / sqrt(D);
    let row = iota([T, T], 0);
    let column = iota([T, T], 1);
    let scores = where_(column <= row, scores, -1e9);
    let p: Tensor<B, H, T, T> = scores.softmax(-1);
    let y = einsum("bhts,bshd->bthd", p, v);
    (y.reshape([B, T, E]), p)
}
#[model]
fn apart<B>(q: Tensor<B, 7, 12>, h: Tensor<3>, d: Tensor<4>) -> Tensor<B, 7, 12> {
    let (y, _) = attention_of(q, q, q, h, d);
    y
}
#[model(where(E == H * D, T <= 1024))]
fn attention_of<B, T, E, H, D>(q: Tensor<B, T, E>, k: Tensor<B, T, E>, v: Tensor<B, T, E>, h: Tensor<H>, d: Tensor<D>) -> (Tensor<B, T, E>, Tensor<B, H, T, T>) {
    let (y, p) = attention::<_, _, _, H, _>(q, k, v);
    (y + 0.0 * h.sum() * d.sum(), p)
}
"#,
    r#"
#[model]
mod net {
    pub struct Norm<D> { #[init(ones)] g: Param<D>, #[init(zeros)] b: Param<D>, mean: State<D> }
    impl<D> Norm<D> {
        pub fn forward<S>(&self, x: Tensor<[S], D>) -> Tensor<[S], D> {
            let m = x.mean(-1, keepdims = true);
            let c = x - m;
            let v = c.square().mean(-1, keepdims = true);
            c / (v + 1e-5).sqrt() * self.g + self.b
        }
    }
    pub struct Pair<D> { a: Norm<D>, b: Norm<D> }
    pub fn both<B, D>(p: &Pair<D>, x: Tensor<B, D>) -> Tensor<B, D> {
        let y = { let z = p.a.forward(x); Norm::forward(&p.b, z) };
        y
    }
}
"#,
    r#"
#[model]
fn shapes<B, C, N>(x: Tensor<B, C, N>, i: Tensor<i32, B, C, 1>) -> (Tensor<B, N, C>, Tensor<B, {C * N}>, Tensor<C>, Tensor<i32, B, C>, Tensor<B, C>) {
    let a = x.permute([0, 2, 1]);
    let b = x.reshape([B, -1]);
    let c = x[(0, .., 1)];
    let d = x.argmax(-1);
    let e = x.take_along_axis(i, -1).squeeze(-1);
    (a, b, c, d, e)
}
#[model]
fn numbers<S>(x: Tensor<[S], 4>, y: Tensor<4>) -> Tensor<[S], 8> {
    let n = 2.0 * (1.0 - x) / 3 + -x % 2.5;
    let s = select(n > 0.5 && !(y == 0) || x <= y, n, minimum(x, 0.0));
    let c = concat([s, s.gelu(approximate = "tanh")], axis = -1);
    c + stack([y, y], 0).reshape([8]) - zeros([8]) * ones([8]) + full([8], 0.25)
}
"#,
    r#"
#[model(methods)]
struct Layer<r#In> { #[init(constant(1e30))] #[pytorch("type")] r#type: Param<r#In>, #[init(uniform(-0.5, 0.5))] b: Param<{ 2 * WIDTH - 8 }> }
#[model(where(r#In <= 64))]
impl<r#In> Layer<r#In> {
    fn r#match(&self, r#in: Tensor<r#In>) -> Tensor<r#In> { let r#fn = self.r#type * r#in; return r#fn; }
}
#[model(where(WIDTH == 2 * HALF, 2 * A == 3 * B, N <= 64))]
fn r#loop<N, A, B>(m: &Layer<N>, x: Tensor<N>, a: Tensor<{ 2 * A }>, b: Tensor<{ 3 * B }>) -> (Tensor<N>, Tensor) {
    let double = { let relu = relu(x); relu * (N / 2) * (WIDTH / 3) };
    let n = N * 1;
    let hits = (double == x.reshape([n])).cast(float).mean();
    (m.r#match(x) + Layer::<N>::r#match(m, double), hits + (a + b).sum() + sinew::ops::sum(a))
}
"#,
    r#"
#[model(methods)]
enum Activation { Relu, Tanh, r#In }
#[model]
impl Activation {
    fn apply<S>(&self, x: Tensor<[S]>) -> Tensor<[S]> {
        match *self { Self::Relu => x.relu(), Tanh | Activation::r#In => x.tanh() }
    }
}
#[model]
struct Net { #[init(ones)] w: Param<4>, #[default(Tanh)] activation: Activation, deep: bool }
#[model]
fn run<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 4> {
    let x = if m.activation != Activation::Relu && training() { x.dropout(0.5) } else { x };
    let x = match m.activation { Activation::Tanh => x, _ => -x };
    if LARGE || m.deep == LARGE { m.activation.apply(x * m.w) } else { x }
}
"#,
];
