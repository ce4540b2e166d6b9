package dev.graft.cache;

import dev.graft.kernel.Kernels;

/** Pages of bfloat16, rounded to nearest even: half the memory and traffic. */
public final class BFloat16Pages implements KeyValuePages {
  private final Kernels kernels;
  private final short[][] slabs;
  private final int count;
  private final int perSlab;
  private final int heads;
  private final int headDim;
  private final int elements;

  /**
   * Room for pages, none of which takes memory yet.
   *
   * @param kernels decode what was written, and multiply with it
   * @param heads key/value heads of a layer
   */
  public BFloat16Pages(Kernels kernels, int count, int layers, int heads, int headDim) {
    this.kernels = kernels;
    this.count = count;
    this.heads = heads;
    this.headDim = headDim;
    this.elements = Math.multiplyExact(2 * SIZE * layers * heads, headDim);
    this.perSlab = KeyValuePages.perSlab(bytesPerPage());
    this.slabs = new short[Math.ceilDiv(count, perSlab)][];
  }

  @Override
  public int count() {
    return count;
  }

  @Override
  public long bytesPerPage() {
    return 2L * elements;
  }

  @Override
  public void touch(int page) {
    int slab = page / perSlab;
    if (slabs[slab] == null) {
      slabs[slab] = new short[Math.min(perSlab, count - slab * perSlab) * elements];
    }
  }

  private int keysAt(int page, int layer, int head) {
    return page % perSlab * elements + 2 * (layer * heads + head) * SIZE * headDim;
  }

  private int valuesAt(int page, int layer, int head) {
    return page % perSlab * elements + (2 * (layer * heads + head) + 1) * SIZE * headDim;
  }

  @Override
  public void write(
      int page,
      int layer,
      int head,
      int slot,
      float[] key,
      int keyAt,
      int keyStep,
      float[] value,
      int valueAt,
      int valueStep) {
    short[] to = slabs[page / perSlab];
    int k = keysAt(page, layer, head) + slot;
    int v = valuesAt(page, layer, head) + slot * headDim;
    for (int i = 0; i < headDim; i++) {
      to[k + i * SIZE] = round(key[keyAt + i * keyStep]);
      to[v + i] = round(value[valueAt + i * valueStep]);
    }
  }

  private static short round(float x) {
    int bits = Float.floatToRawIntBits(x);
    return Float.isNaN(x) ? 0x7FC0 : (short) ((bits + 0x7FFF + (bits >>> 16 & 1)) >>> 16);
  }

  @Override
  public Block keys(int page, int layer, int head, float[] room) {
    return decode(slabs[page / perSlab], keysAt(page, layer, head), room);
  }

  @Override
  public Block values(int page, int layer, int head, float[] room) {
    return decode(slabs[page / perSlab], valuesAt(page, layer, head), room);
  }

  @Override
  public void scores(
      int page, int layer, int head, float[] queries, int at, int rows, float[] out) {
    kernels.productBFloat16(
        queries,
        at,
        headDim,
        1,
        rows,
        headDim,
        slabs[page / perSlab],
        keysAt(page, layer, head),
        SIZE,
        SIZE,
        out,
        0,
        SIZE,
        false);
  }

  @Override
  public void addValues(
      int page, int layer, int head, float[] weights, int rows, int slots, float[] out, int outAt) {
    kernels.productBFloat16(
        weights,
        0,
        SIZE,
        1,
        rows,
        slots,
        slabs[page / perSlab],
        valuesAt(page, layer, head),
        headDim,
        headDim,
        out,
        outAt,
        headDim,
        true);
  }

  private Block decode(short[] from, int at, float[] room) {
    kernels.decodeBFloat16(from, at, SIZE * headDim, room, 0);
    return new Block(room, 0);
  }
}
