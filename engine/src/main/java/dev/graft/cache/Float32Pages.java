package dev.graft.cache;

import dev.graft.kernel.Kernels;

/** Pages of float32: nothing is rounded. */
public final class Float32Pages implements KeyValuePages {
  private final Kernels kernels;
  private final float[][] slabs;
  private final int count;
  private final int perSlab;
  private final int heads;
  private final int headDim;
  private final int floats;

  /**
   * Room for pages, none of which takes memory yet.
   *
   * @param kernels multiply with what was written
   * @param heads key/value heads of a layer
   */
  public Float32Pages(Kernels kernels, int count, int layers, int heads, int headDim) {
    this.kernels = kernels;
    this.count = count;
    this.heads = heads;
    this.headDim = headDim;
    this.floats = Math.multiplyExact(2 * SIZE * layers * heads, headDim);
    this.perSlab = KeyValuePages.perSlab(bytesPerPage());
    this.slabs = new float[Math.ceilDiv(count, perSlab)][];
  }

  @Override
  public int count() {
    return count;
  }

  @Override
  public long bytesPerPage() {
    return 4L * floats;
  }

  @Override
  public void touch(int page) {
    int slab = page / perSlab;
    if (slabs[slab] == null) {
      slabs[slab] = new float[Math.min(perSlab, count - slab * perSlab) * floats];
    }
  }

  private int keysAt(int page, int layer, int head) {
    return page % perSlab * floats + 2 * (layer * heads + head) * SIZE * headDim;
  }

  private int valuesAt(int page, int layer, int head) {
    return page % perSlab * floats + (2 * (layer * heads + head) + 1) * SIZE * headDim;
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
    float[] to = slabs[page / perSlab];
    int k = keysAt(page, layer, head) + slot;
    int v = valuesAt(page, layer, head) + slot * headDim;
    for (int i = 0; i < headDim; i++) {
      to[k + i * SIZE] = key[keyAt + i * keyStep];
      to[v + i] = value[valueAt + i * valueStep];
    }
  }

  @Override
  public Block keys(int page, int layer, int head, float[] room) {
    return new Block(slabs[page / perSlab], keysAt(page, layer, head));
  }

  @Override
  public Block values(int page, int layer, int head, float[] room) {
    return new Block(slabs[page / perSlab], valuesAt(page, layer, head));
  }

  @Override
  public void scores(
      int page, int layer, int head, float[] queries, int at, int rows, float[] out) {
    kernels.product(
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
    kernels.product(
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
}
