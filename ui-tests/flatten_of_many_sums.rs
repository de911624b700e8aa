use sinew::prelude::*;

#[model]
#[rustfmt::skip]
fn f<A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z>(
    x: Tensor<{A + B}, {C + D}, {E + F}, {G + H}, {I + J}, {K + L}, {M + N}, {O + P}, {Q + R}, {S + T}, {U + V}, {W + X}, {Y + Z}>,
) -> Tensor {
    x.flatten().sum()
}

fn main() {}
