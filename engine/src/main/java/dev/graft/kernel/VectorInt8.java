package dev.graft.kernel;

import dev.graft.checkpoint.Weight;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;

/** Rows of signed bytes in blocks of 32 with a float16 scale each, on the Vector API. */
final class VectorInt8 implements Matrix {
  private static final int BLOCK = Weight.BLOCK;

  /** From so many columns on a batch of pairs of rows may be large, as measured. */
  private static final int LONG = 1024;

  /** Pairs of short rows whose sums stay in the first-level cache beside the tokens. */
  private static final int PAIRS = 4;

  private final int rows;
  private final int columns;
  private final MemorySegment codes;
  private final long codeStart;
  private final long codeRow;
  private final long codeBlock;
  private final MemorySegment scales;
  private final long scaleStart;
  private final long scaleRow;
  private final long scaleBlock;

  VectorInt8(Weight.Int8 weight) {
    rows = weight.rows();
    columns = weight.columns();
    codes = weight.codes();
    codeStart = weight.codeStart();
    codeRow = weight.codeRow();
    codeBlock = weight.codeBlock();
    scales = weight.scales();
    scaleStart = weight.scaleStart();
    scaleRow = weight.scaleRow();
    scaleBlock = weight.scaleBlock();
    Codes.requireBytes(weight.name(), codes, code(rows - 1, columns - 1) + 1);
    Codes.requireBytes(
        weight.name(),
        scales,
        scaleStart + scaleRow * (rows - 1L) + scaleBlock * ((columns - 1L) / BLOCK) + 2);
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  @Override
  public long bytesPerRow() {
    return columns + 2L * Math.ceilDiv(columns, BLOCK);
  }

  private long code(int row, int column) {
    return codeStart
        + row * codeRow
        + (long) column / BLOCK * codeBlock
        + Math.floorMod(column, BLOCK);
  }

  @Override
  public void decode(int row, int from, int to, float[] out, int at) {
    if (fuses(from, to)) {
      decodeBlocks(
          code(row, from), scaleAt(row, from), (to - from) / BLOCK, out, at, Kernels.PIECE);
      return;
    }
    for (int start = from; start < to; ) {
      int end = Math.min(to, (start / BLOCK + 1) * BLOCK);
      decodeSpan(code(row, start), end - start, scale(scaleAt(row, start)), out, at + start - from);
      start = end;
    }
  }

  @Override
  public void decodePieces(int rowFrom, int rowTo, int from, int to, float[] out, int pieceStep) {
    if (!fuses(from, to)) {
      Matrix.super.decodePieces(rowFrom, rowTo, from, to, out, pieceStep);
      return;
    }
    for (int row = rowFrom; row < rowTo; row++) {
      decodeBlocks(
          code(row, from),
          scaleAt(row, from),
          (to - from) / BLOCK,
          out,
          (row - rowFrom) * Kernels.PIECE_ROW,
          pieceStep);
    }
  }

  /** A row in pieces of {@link Kernels#PIECE} columns, {@code pieceStep} apart. */
  private void decodeBlocks(
      long firstCode, long firstScale, int blocks, float[] out, int at, int pieceStep) {
    long code = firstCode;
    long scale = firstScale;
    int piece = at;
    for (int first = 0; first < blocks; first += Kernels.PIECE / BLOCK) {
      int last = Math.min(blocks, first + Kernels.PIECE / BLOCK);
      int to = piece;
      for (int block = first; block < last; block++) {
        FloatVector factor = FloatVector.broadcast(Lanes.FLOATS, scale(scale));
        for (int j = 0; j < BLOCK; j += Lanes.COUNT) {
          load(code + j).mul(factor).intoArray(out, to + j);
        }
        code += codeBlock;
        scale += scaleBlock;
        to += BLOCK;
      }
      piece += pieceStep;
    }
  }

  private void decodeSpan(long offset, int n, float scale, float[] out, int at) {
    int i = 0;
    if (Lanes.COUNT >= 8) {
      FloatVector factor = FloatVector.broadcast(Lanes.FLOATS, scale);
      for (; i <= n - Lanes.COUNT; i += Lanes.COUNT) {
        load(offset + i).mul(factor).intoArray(out, at + i);
      }
    }
    for (; i < n; i++) {
      out[at + i] = codes.get(Codes.BYTE, offset + i) * scale;
    }
  }

  @Override
  public boolean fuses(int from, int to) {
    return Lanes.COUNT >= 8 && from % BLOCK == 0 && (to - from) % BLOCK == 0;
  }

  /**
   * The scales of all rows first: one by one between the codes they cost a quarter of the speed.
   */
  @Override
  public void dot(
      int rowFrom,
      int rowTo,
      int from,
      int to,
      float[] x,
      int at,
      float[] room,
      float[] out,
      int outAt) {
    int blocks = (to - from) / BLOCK;
    scalesOf(rowFrom, rowTo, from, blocks, room);
    int row = rowFrom;
    if (Lanes.COUNT == 16) {
      // Far apart, so that each is a stream of its own to the prefetcher: neighbours read at half
      // the rate.
      int half = (rowTo - rowFrom) / 2;
      for (; row < rowFrom + half; row++) {
        long code = code(row, from);
        int factor = (row - rowFrom) * blocks;
        pair(
            code,
            code + half * codeRow,
            to - from,
            x,
            at,
            room,
            factor,
            factor + half * blocks,
            out,
            outAt + row - rowFrom,
            half);
      }
      row += half;
    }
    for (; row < rowTo; row++) {
      out[outAt + row - rowFrom] =
          single(code(row, from), to - from, x, at, room, (row - rowFrom) * blocks);
    }
  }

  private void scalesOf(int rowFrom, int rowTo, int from, int blocks, float[] room) {
    long first = scaleAt(rowFrom, from);
    if (scaleRow == blocks * scaleBlock) {
      scales(first, (rowTo - rowFrom) * blocks, room, 0);
    } else {
      for (int row = rowFrom; row < rowTo; row++) {
        scales(first + (row - rowFrom) * scaleRow, blocks, room, (row - rowFrom) * blocks);
      }
    }
  }

  @Override
  public boolean fusesTokens(int from, int to) {
    return Lanes.COUNT == 16 && from % BLOCK == 0 && (to - from) % BLOCK == 0;
  }

  @Override
  public void dots(
      int rowFrom,
      int rowTo,
      int from,
      int to,
      float[] x,
      int at,
      int step,
      int tokens,
      float[] room,
      float[] out,
      int outAt,
      int outStep) {
    int blocks = (to - from) / BLOCK;
    scalesOf(rowFrom, rowTo, from, blocks, room);
    int sums = (rowTo - rowFrom) * blocks;
    int half = (rowTo - rowFrom) / 2;
    for (int t = 0; t < tokens; t += 4) {
      int live = Math.min(4, tokens - t);
      // Places without a token repeat the last one.
      int p = at + t * step;
      int q = at + Math.min(t + 1, tokens - 1) * step;
      int r = at + Math.min(t + 2, tokens - 1) * step;
      int s = at + Math.min(t + 3, tokens - 1) * step;
      for (int row = 0; row < half; row++) {
        long code = code(rowFrom + row, from);
        int factor = row * blocks;
        fours(
            code,
            code + half * codeRow,
            to - from,
            x,
            p,
            q,
            r,
            s,
            room,
            factor,
            factor + half * blocks,
            sums);
        for (int i = 0; i < live; i++) {
          VectorDots.reduceTwo(
              room, sums + 2 * i * Lanes.COUNT, out, outAt + (t + i) * outStep + row, half);
        }
      }
      for (int row = 2 * half; row < rowTo - rowFrom; row++) {
        for (int i = 0; i < live; i++) {
          out[outAt + (t + i) * outStep + row] =
              single(
                  code(rowFrom + row, from), to - from, x, at + (t + i) * step, room, row * blocks);
        }
      }
    }
  }

  @Override
  public boolean packsTokens(int from, int to) {
    return fusesTokens(from, to);
  }

  @Override
  public void packedDots(
      int rowFrom,
      int rowTo,
      int from,
      int to,
      PackedTokens x,
      float[] room,
      float[] out,
      int outAt,
      int outStep) {
    int blocks = (to - from) / BLOCK;
    scalesOf(rowFrom, rowTo, from, blocks, room);
    int sums = (rowTo - rowFrom) * blocks;
    int rows = (rowTo - rowFrom) / 2 * 2;
    int most = to - from < LONG ? PAIRS : VectorDots.PAIRS;
    for (int t = 0; t < x.tokens(); t += PackedTokens.TOKENS) {
      int live = Math.min(PackedTokens.TOKENS, x.tokens() - t);
      for (int first = 0; first < rows / 2; first += most) {
        int pairs = Math.min(most, rows / 2 - first);
        sums(rowFrom + first, rows / 2, pairs, from, blocks, x, t, room, first * blocks, sums);
        VectorDots.reduceEights(
            room, sums, pairs, live, out, outAt + t * outStep + first, outStep, rows / 2);
      }
    }
    if (rows < rowTo - rowFrom) {
      // An odd last row is a pair with itself.
      for (int t = 0; t < x.tokens(); t += PackedTokens.TOKENS) {
        int live = Math.min(PackedTokens.TOKENS, x.tokens() - t);
        sums(rowTo - 1, 0, 1, from, blocks, x, t, room, rows * blocks, sums);
        VectorDots.reduceEights(room, sums, 1, live, out, outAt + t * outStep + rows, outStep, 0);
      }
    }
  }

  /** The even vectors of all pairs before the odd ones: half of the tokens' inputs at a time. */
  private void sums(
      int row,
      int half,
      int pairs,
      int from,
      int blocks,
      PackedTokens x,
      int token,
      float[] room,
      int factorAt,
      int sums) {
    for (int odd = 0; odd < 2; odd++) {
      for (int i = 0; i < pairs; i++) {
        long code = code(row + i, from) + 16L * odd;
        int factor = factorAt + i * blocks;
        eights(
            code,
            code + half * codeRow,
            blocks,
            x.values(),
            x.group(token, odd),
            room,
            factor,
            factor + half * blocks,
            sums + (32 * i + 16 * odd) * Lanes.COUNT);
      }
    }
  }

  /**
   * Every other vector of two rows times eight tokens: sixteen accumulators stay in registers, and
   * a decoded vector serves eight products. The sums of lanes come later.
   */
  private void eights(
      long start,
      long nextStart,
      int blocks,
      MemorySegment x,
      long xAt,
      float[] room,
      int factor,
      int nextFactor,
      int roomAt) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector a0 = zero;
    FloatVector b0 = zero;
    FloatVector a1 = zero;
    FloatVector b1 = zero;
    FloatVector a2 = zero;
    FloatVector b2 = zero;
    FloatVector a3 = zero;
    FloatVector b3 = zero;
    FloatVector a4 = zero;
    FloatVector b4 = zero;
    FloatVector a5 = zero;
    FloatVector b5 = zero;
    FloatVector a6 = zero;
    FloatVector b6 = zero;
    FloatVector a7 = zero;
    FloatVector b7 = zero;
    long code = start;
    long next = nextStart;
    long at = xAt;
    for (int i = 0; i < blocks; i++) {
      FloatVector v = load(code).mul(FloatVector.broadcast(Lanes.FLOATS, room[factor + i]));
      FloatVector w = load(next).mul(FloatVector.broadcast(Lanes.FLOATS, room[nextFactor + i]));
      FloatVector u;
      u = VectorDots.x(x, at + 0);
      a0 = v.fma(u, a0);
      b0 = w.fma(u, b0);
      u = VectorDots.x(x, at + 64);
      a1 = v.fma(u, a1);
      b1 = w.fma(u, b1);
      u = VectorDots.x(x, at + 128);
      a2 = v.fma(u, a2);
      b2 = w.fma(u, b2);
      u = VectorDots.x(x, at + 192);
      a3 = v.fma(u, a3);
      b3 = w.fma(u, b3);
      u = VectorDots.x(x, at + 256);
      a4 = v.fma(u, a4);
      b4 = w.fma(u, b4);
      u = VectorDots.x(x, at + 320);
      a5 = v.fma(u, a5);
      b5 = w.fma(u, b5);
      u = VectorDots.x(x, at + 384);
      a6 = v.fma(u, a6);
      b6 = w.fma(u, b6);
      u = VectorDots.x(x, at + 448);
      a7 = v.fma(u, a7);
      b7 = w.fma(u, b7);
      code += codeBlock;
      next += codeBlock;
      at += 512;
    }
    a0.intoArray(room, roomAt + 0 * Lanes.COUNT);
    b0.intoArray(room, roomAt + 1 * Lanes.COUNT);
    a1.intoArray(room, roomAt + 2 * Lanes.COUNT);
    b1.intoArray(room, roomAt + 3 * Lanes.COUNT);
    a2.intoArray(room, roomAt + 4 * Lanes.COUNT);
    b2.intoArray(room, roomAt + 5 * Lanes.COUNT);
    a3.intoArray(room, roomAt + 6 * Lanes.COUNT);
    b3.intoArray(room, roomAt + 7 * Lanes.COUNT);
    a4.intoArray(room, roomAt + 8 * Lanes.COUNT);
    b4.intoArray(room, roomAt + 9 * Lanes.COUNT);
    a5.intoArray(room, roomAt + 10 * Lanes.COUNT);
    b5.intoArray(room, roomAt + 11 * Lanes.COUNT);
    a6.intoArray(room, roomAt + 12 * Lanes.COUNT);
    b6.intoArray(room, roomAt + 13 * Lanes.COUNT);
    a7.intoArray(room, roomAt + 14 * Lanes.COUNT);
    b7.intoArray(room, roomAt + 15 * Lanes.COUNT);
  }

  /** Two rows times four tokens; the sums of lanes come later. */
  private void fours(
      long start,
      long nextStart,
      int n,
      float[] x,
      int p,
      int q,
      int r,
      int s,
      float[] room,
      int factor,
      int nextFactor,
      int roomAt) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector a00 = zero;
    FloatVector b00 = zero;
    FloatVector a01 = zero;
    FloatVector b01 = zero;
    FloatVector a10 = zero;
    FloatVector b10 = zero;
    FloatVector a11 = zero;
    FloatVector b11 = zero;
    FloatVector a20 = zero;
    FloatVector b20 = zero;
    FloatVector a21 = zero;
    FloatVector b21 = zero;
    FloatVector a30 = zero;
    FloatVector b30 = zero;
    FloatVector a31 = zero;
    FloatVector b31 = zero;
    long code = start;
    long next = nextStart;
    int scale = factor;
    int nextScale = nextFactor;
    for (int i = 0; i < n; i += BLOCK) {
      FloatVector f = FloatVector.broadcast(Lanes.FLOATS, room[scale]);
      FloatVector g = FloatVector.broadcast(Lanes.FLOATS, room[nextScale]);
      FloatVector v = load(code).mul(f);
      FloatVector w = load(next).mul(g);
      FloatVector u;
      u = VectorDots.x(x, p + i);
      a00 = v.fma(u, a00);
      a01 = w.fma(u, a01);
      u = VectorDots.x(x, q + i);
      a10 = v.fma(u, a10);
      a11 = w.fma(u, a11);
      u = VectorDots.x(x, r + i);
      a20 = v.fma(u, a20);
      a21 = w.fma(u, a21);
      u = VectorDots.x(x, s + i);
      a30 = v.fma(u, a30);
      a31 = w.fma(u, a31);
      v = load(code + 16).mul(f);
      w = load(next + 16).mul(g);
      u = VectorDots.x(x, p + i + 16);
      b00 = v.fma(u, b00);
      b01 = w.fma(u, b01);
      u = VectorDots.x(x, q + i + 16);
      b10 = v.fma(u, b10);
      b11 = w.fma(u, b11);
      u = VectorDots.x(x, r + i + 16);
      b20 = v.fma(u, b20);
      b21 = w.fma(u, b21);
      u = VectorDots.x(x, s + i + 16);
      b30 = v.fma(u, b30);
      b31 = w.fma(u, b31);
      code += codeBlock;
      next += codeBlock;
      scale++;
      nextScale++;
    }
    a00.add(b00).intoArray(room, roomAt + 0 * Lanes.COUNT);
    a01.add(b01).intoArray(room, roomAt + 1 * Lanes.COUNT);
    a10.add(b10).intoArray(room, roomAt + 2 * Lanes.COUNT);
    a11.add(b11).intoArray(room, roomAt + 3 * Lanes.COUNT);
    a20.add(b20).intoArray(room, roomAt + 4 * Lanes.COUNT);
    a21.add(b21).intoArray(room, roomAt + 5 * Lanes.COUNT);
    a30.add(b30).intoArray(room, roomAt + 6 * Lanes.COUNT);
    a31.add(b31).intoArray(room, roomAt + 7 * Lanes.COUNT);
  }

  /** Two rows at once share the loads of x, and one's sum of lanes hides behind the other's. */
  private void pair(
      long start,
      long nextStart,
      int n,
      float[] x,
      int at,
      float[] factors,
      int factor,
      int nextFactor,
      float[] out,
      int outAt,
      int outStep) {
    long code = start;
    long next = nextStart;
    int scale = factor;
    int nextScale = nextFactor;
    FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector b0 = a0;
    FloatVector a1 = a0;
    FloatVector b1 = a0;
    for (int i = 0; i < n; i += BLOCK) {
      FloatVector s = FloatVector.broadcast(Lanes.FLOATS, factors[scale]);
      FloatVector t = FloatVector.broadcast(Lanes.FLOATS, factors[nextScale]);
      FloatVector u = VectorDots.x(x, at + i);
      a0 = load(code).mul(s).fma(u, a0);
      a1 = load(next).mul(t).fma(u, a1);
      u = VectorDots.x(x, at + i + 16);
      b0 = load(code + 16).mul(s).fma(u, b0);
      b1 = load(next + 16).mul(t).fma(u, b1);
      code += codeBlock;
      next += codeBlock;
      scale++;
      nextScale++;
    }
    out[outAt] = VectorDots.sum(a0, b0) + 0f;
    out[outAt + outStep] = VectorDots.sum(a1, b1) + 0f;
  }

  /** Two blocks a turn: with sixteen lanes four vectors, with eight twice four. */
  private float single(long start, int n, float[] x, int at, float[] factors, int factor) {
    long code = start;
    int scale = factor;
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    int i = 0;
    if (Lanes.COUNT == 16) {
      for (; i <= n - 2 * BLOCK; i += 2 * BLOCK) {
        FloatVector first = FloatVector.broadcast(Lanes.FLOATS, factors[scale]);
        FloatVector second = FloatVector.broadcast(Lanes.FLOATS, factors[scale + 1]);
        long other = code + codeBlock;
        a = load(code).mul(first).fma(VectorDots.x(x, at + i), a);
        b = load(code + 16).mul(first).fma(VectorDots.x(x, at + i + 16), b);
        a = load(other).mul(second).fma(VectorDots.x(x, at + i + 32), a);
        b = load(other + 16).mul(second).fma(VectorDots.x(x, at + i + 48), b);
        code += 2 * codeBlock;
        scale += 2;
      }
      if (i < n) {
        FloatVector first = FloatVector.broadcast(Lanes.FLOATS, factors[scale]);
        a = load(code).mul(first).fma(VectorDots.x(x, at + i), a);
        b = load(code + 16).mul(first).fma(VectorDots.x(x, at + i + 16), b);
      }
    } else {
      for (; i < n; i += BLOCK) {
        FloatVector first = FloatVector.broadcast(Lanes.FLOATS, factors[scale]);
        a = load(code).mul(first).fma(VectorDots.x(x, at + i), a);
        b = load(code + 8).mul(first).fma(VectorDots.x(x, at + i + 8), b);
        a = load(code + 16).mul(first).fma(VectorDots.x(x, at + i + 16), a);
        b = load(code + 24).mul(first).fma(VectorDots.x(x, at + i + 24), b);
        code += codeBlock;
        scale++;
      }
    }
    return VectorDots.sum(a, b) + 0f;
  }

  @Override
  public int room(int rows) {
    return rows * Math.ceilDiv(columns, BLOCK) + VectorDots.PAIRS * 32 * Lanes.COUNT;
  }

  private void scales(long from, int count, float[] out, int at) {
    int i = 0;
    if (scaleBlock == 2) {
      for (; i <= count - Lanes.COUNT; i += Lanes.COUNT) {
        Lanes.fromFloat16(
                ShortVector.fromMemorySegment(Lanes.SHORTS, scales, from + 2L * i, Lanes.ORDER))
            .mul(0x1p112f)
            .intoArray(out, at + i);
      }
    }
    for (; i < count; i++) {
      out[at + i] = scale(from + i * scaleBlock);
    }
  }

  /** Where the scale of an element is. */
  private long scaleAt(int row, int column) {
    return scaleStart + row * scaleRow + (long) column / BLOCK * scaleBlock;
  }

  private float scale(long offset) {
    return Codes.float16(scales.get(Codes.SHORT, offset));
  }

  private FloatVector load(long offset) {
    return Lanes.fromInt8(ByteVector.fromMemorySegment(Lanes.BYTES, codes, offset, Lanes.ORDER));
  }
}
