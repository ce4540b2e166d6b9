package dev.graft.quantize;

import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Weight;
import java.util.List;
import java.util.Optional;

/** What a weight becomes, and the names and shapes by which others know it. */
public enum Scheme {
  /** FP8 with one {@code weight_scale} a tensor: the {@code fp8} method of Skywork-MoE and vLLM. */
  FP8_TENSOR(DType.F8_E4M3, DType.F32, "_scale"),
  /** FP8 with a {@code weight_scale} a row: compressed-tensors' {@code FP8_DYNAMIC}. */
  FP8_CHANNEL(DType.F8_E4M3, DType.F32, "_scale"),
  /**
   * FP8 with a {@code weight_scale_inv} for each 128 × 128: as DeepSeek and Qwen release models.
   */
  FP8_BLOCK(DType.F8_E4M3, DType.F32, "_scale_inv"),
  /** Signed bytes with a float16 scale for each 32 columns, for CPUs. */
  Q8(DType.I8, DType.F16, "_scale");

  /** Rows and columns of a block of {@link #FP8_BLOCK}. */
  public static final int BLOCK = 128;

  private final DType codeType;
  private final DType scaleType;
  private final String scaleSuffix;

  Scheme(DType codeType, DType scaleType, String scaleSuffix) {
    this.codeType = codeType;
    this.scaleType = scaleType;
    this.scaleSuffix = scaleSuffix;
  }

  /**
   * A scheme by the words of the command line.
   *
   * @param scheme fp8 or q8
   * @param granularity tensor (where absent), channel or block, for fp8 only
   * @throws InvalidInputException if there is no such scheme
   */
  public static Scheme of(String scheme, Optional<String> granularity) {
    return switch (scheme) {
      case "fp8" ->
          switch (granularity.orElse("tensor")) {
            case "tensor" -> FP8_TENSOR;
            case "channel" -> FP8_CHANNEL;
            case "block" -> FP8_BLOCK;
            default ->
                throw new InvalidInputException(
                    "--granularity is '"
                        + granularity.orElseThrow()
                        + "'; it is tensor, channel or block");
          };
      case "q8" -> {
        if (granularity.isPresent()) {
          throw new InvalidInputException(
              "--granularity is for --scheme fp8; q8 always has blocks of " + Weight.BLOCK);
        }
        yield Q8;
      }
      default -> throw new InvalidInputException("--scheme is '" + scheme + "'; it is fp8 or q8");
    };
  }

  /** Type of the codes, which have the weight's name and shape. */
  public DType codeType() {
    return codeType;
  }

  /** Type of the scales. */
  public DType scaleType() {
    return scaleType;
  }

  /** Name of the tensor of scales that belongs to a weight. */
  public String scaleName(String weight) {
    return weight + scaleSuffix;
  }

  /** Shape of the tensor of scales of a weight [rows, columns]. */
  public List<Long> scaleShape(long rows, long columns) {
    return switch (this) {
      case FP8_TENSOR -> List.of();
      case FP8_CHANNEL -> List.of(rows, 1L);
      case FP8_BLOCK -> List.of(Math.ceilDiv(rows, BLOCK), Math.ceilDiv(columns, BLOCK));
      case Q8 -> List.of(rows, Math.ceilDiv(columns, Weight.BLOCK));
    };
  }
}
