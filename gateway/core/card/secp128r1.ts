/**
 * ECDSA verification on secp128r1, which NXP signs UIDs with and no crypto library offers without a hash.
 * Public values only: nothing here runs in constant time. Source: SEC 2 version 1.0, section 2.4.1; SEC 1, 4.1.4.
 */

const P = 0xff_ff_ff_fd_ff_ff_ff_ff_ff_ff_ff_ff_ff_ff_ff_ffn;
const B = 0xe8_75_79_c1_10_79_f4_3d_d8_24_99_3c_2c_ee_5e_d3n;
const N = 0xff_ff_ff_fe_00_00_00_00_75_a3_0d_1b_90_38_a1_15n;

export interface AffinePoint {
  readonly x: bigint;
  readonly y: bigint;
}

const G: AffinePoint = {
  x: 0x16_1f_f7_52_8b_89_9b_2d_0c_28_60_7c_a5_2c_5b_86n,
  y: 0xcf_5a_c8_39_5b_af_eb_13_c0_2d_a2_92_dd_ed_7a_83n,
};

/** Jacobian: x / z², y / z³. z = 0 is the point at infinity. */
interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
}

const INFINITY: Point = { x: 1n, y: 1n, z: 0n };

const modulo = (value: bigint, modulus: bigint): bigint => {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
};
const mod = (value: bigint): bigint => modulo(value, P);

const power = (base: bigint, exponent: bigint, modulus: bigint): bigint => {
  let [result, square] = [1n, modulo(base, modulus)];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
};

/** Both moduli are prime. */
const inverse = (value: bigint, modulus: bigint): bigint => power(value, modulus - 2n, modulus);

/** For a = -3, as on this curve. */
const double = ({ x, y, z }: Point): Point => {
  if (z === 0n || y === 0n) return INFINITY;
  const zz = mod(z * z);
  const m = mod(3n * (x - zz) * (x + zz));
  const yy = mod(y * y);
  const s = mod(4n * x * yy);
  const x3 = mod(m * m - 2n * s);
  return { x: x3, y: mod(m * (s - x3) - 8n * yy * yy), z: mod(2n * y * z) };
};

const add = (p: Point, q: Point): Point => {
  if (p.z === 0n) return q;
  if (q.z === 0n) return p;
  const [pzz, qzz] = [mod(p.z * p.z), mod(q.z * q.z)];
  const [u1, u2] = [mod(p.x * qzz), mod(q.x * pzz)];
  const [s1, s2] = [mod(p.y * qzz * q.z), mod(q.y * pzz * p.z)];
  const [h, r] = [mod(u2 - u1), mod(s2 - s1)];
  if (h === 0n) return r === 0n ? double(p) : INFINITY;
  const hh = mod(h * h);
  const hhh = mod(h * hh);
  const v = mod(u1 * hh);
  const x = mod(r * r - hhh - 2n * v);
  return { x, y: mod(r * (v - x) - s1 * hhh), z: mod(h * p.z * q.z) };
};

const jacobian = ({ x, y }: AffinePoint): Point => ({ x, y, z: 1n });

/** u G + v Q, both at once. */
const combine = (u: bigint, v: bigint, q: AffinePoint): Point => {
  const [gj, qj] = [jacobian(G), jacobian(q)];
  const both = add(gj, qj);
  let sum = INFINITY;
  for (let bit = 127n; bit >= 0n; bit -= 1n) {
    sum = double(sum);
    const [hasG, hasQ] = [((u >> bit) & 1n) === 1n, ((v >> bit) & 1n) === 1n];
    if (hasG && hasQ) sum = add(sum, both);
    else if (hasG) sum = add(sum, gj);
    else if (hasQ) sum = add(sum, qj);
  }
  return sum;
};

export const isOnCurve = ({ x, y }: AffinePoint): boolean =>
  x >= 0n && x < P && y >= 0n && y < P && mod(y * y - (x * x * x - 3n * x + B)) === 0n;

export interface EcdsaSignature {
  readonly r: bigint;
  readonly s: bigint;
}

/** Whether the signature is the key's on `digest`, a number of at most 128 bits that stands for what was signed. */
export const verifySecp128r1 = (
  publicKey: AffinePoint,
  digest: bigint,
  { r, s }: EcdsaSignature,
): boolean => {
  if (r <= 0n || r >= N || s <= 0n || s >= N || !isOnCurve(publicKey)) return false;
  const w = inverse(s, N);
  const point = combine(modulo(digest * w, N), modulo(r * w, N), publicKey);
  if (point.z === 0n) return false;
  const x = mod(point.x * inverse(mod(point.z * point.z), P));
  return modulo(x, N) === r;
};
