package dev.graft.cache;

/** Pages of float32: nothing is rounded. */
public final class Float32Pages implements KeyValuePages {
  private final float[][] pages;
  private final int heads;
  private final int headDim;
  private final int floats;

  /**
   * Room for pages, none of which takes memory yet.
   *
   * @param heads key/value heads of a layer
   */
  public Float32Pages(int count, int layers, int heads, int headDim) {
    this.pages = new float[count][];
    this.heads = heads;
    this.headDim = headDim;
    this.floats = Math.multiplyExact(2 * SIZE * layers * heads, headDim);
  }

  @Override
  public int count() {
    return pages.length;
  }

  @Override
  public long bytesPerPage() {
    return 4L * floats;
  }

  @Override
  public void touch(int page) {
    if (pages[page] == null) {
      pages[page] = new float[floats];
    }
  }

  private int keysAt(int layer, int head) {
    return (2 * layer * heads + head) * SIZE * headDim;
  }

  private int valuesAt(int layer, int head) {
    return ((2 * layer + 1) * heads + head) * SIZE * headDim;
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
    float[] to = pages[page];
    int k = keysAt(layer, head) + slot;
    int v = valuesAt(layer, head) + slot * headDim;
    for (int i = 0; i < headDim; i++) {
      to[k + i * SIZE] = key[keyAt + i * keyStep];
      to[v + i] = value[valueAt + i * valueStep];
    }
  }

  @Override
  public Block keys(int page, int layer, int head, float[] room) {
    return new Block(pages[page], keysAt(layer, head));
  }

  @Override
  public Block values(int page, int layer, int head, float[] room) {
    return new Block(pages[page], valuesAt(layer, head));
  }
}
