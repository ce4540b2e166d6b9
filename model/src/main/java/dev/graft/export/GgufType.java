package dev.graft.export;

import dev.graft.gguf.GgmlType;

/** What the matrices of an exported file are stored as. */
public enum GgufType {
  F16(GgmlType.F16, 1),
  Q8_0(GgmlType.Q8_0, 7);

  private final GgmlType matrices;
  private final int fileType;

  GgufType(GgmlType matrices, int fileType) {
    this.matrices = matrices;
    this.fileType = fileType;
  }

  /** Rows that are no whole blocks are float16, as llama.cpp's converter has them. */
  GgmlType forColumns(long columns) {
    return columns % matrices.blockElements() == 0 ? matrices : GgmlType.F16;
  }

  /** llama.cpp's {@code general.file_type}. */
  int fileType() {
    return fileType;
  }
}
