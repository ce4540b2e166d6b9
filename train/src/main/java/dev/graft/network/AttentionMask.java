package dev.graft.network;

import java.util.Optional;
import java.util.OptionalInt;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** What each position may see, where that is not simply everything before it. */
final class AttentionMask {
  private AttentionMask() {}

  /**
   * Empty where plain causal attention does.
   *
   * @param documents document of each position, row-major [B, S]
   * @return bool, true where seen, [B or 1, 1, S, S]
   */
  static Optional<Tensor> of(
      int sequences, int length, OptionalInt slidingWindow, Optional<int[]> documents) {
    boolean windowed = slidingWindow.isPresent() && slidingWindow.getAsInt() < length;
    if (!windowed && documents.isEmpty()) {
      return Optional.empty();
    }
    Tensor seen = torch.ones(new long[] {length, length}, Libtorch.options(ScalarType.Bool)).tril();
    if (windowed) {
      seen = seen.triu(1L - slidingWindow.getAsInt());
    }
    seen = seen.view(1, 1, length, length);
    if (documents.isPresent()) {
      Tensor document = Tensor.create(documents.get(), sequences, length);
      seen = seen.logical_and(document.unsqueeze(2).eq(document.unsqueeze(1)).unsqueeze(1));
    }
    return Optional.of(seen);
  }
}
