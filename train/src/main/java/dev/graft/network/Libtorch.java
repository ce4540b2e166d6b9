package dev.graft.network;

import dev.graft.checkpoint.InvalidInputException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Starting libtorch, and moving numbers between Java and it. */
public final class Libtorch {
  private Libtorch() {}

  /**
   * Loads libtorch and sets how it computes. The first call in a process decides about determinism,
   * since MKL reads its environment once.
   *
   * @param threads intra-op threads
   * @param deterministic the same bits from the same input on the same machine
   */
  public static void start(int threads, boolean deterministic) {
    // MKL shares the OpenMP pool that libtorch has: two pools of spinning threads on the same cores
    // stall each other.
    environment("MKL_THREADING_LAYER", "GNU");
    environment("MKL_DYNAMIC", "FALSE");
    if (deterministic) {
      environment("MKL_CBWR", "AUTO,STRICT");
    }
    torch.set_num_threads(threads);
    torch.globalContext().setDeterministicAlgorithms(deterministic, false);
    torch.globalContext().setDeterministicFillUninitializedMemory(false);
  }

  /**
   * Keeps libtorch from writing its own accounts of errors to standard error, where the user finds
   * ours; {@code TORCH_CPP_LOG_LEVEL} brings them back.
   */
  public static void quiet() {
    environment("TORCH_CPP_LOG_LEVEL", "FATAL");
    torch.initLogging();
  }

  /**
   * Sets a variable of this process where the user has not set it; libraries loaded later read it.
   */
  @SuppressWarnings("restricted")
  private static void environment(String name, String value) {
    Linker linker = Linker.nativeLinker();
    MethodHandle setenv =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("setenv"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      int failed = (int) setenv.invokeExact(arena.allocateFrom(name), arena.allocateFrom(value), 0);
      if (failed != 0) {
        throw new IllegalStateException("the environment variable " + name + " could not be set");
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("the environment variable " + name + " could not be set", e);
    }
  }

  /**
   * A device by its name.
   *
   * @param name cpu or cuda
   * @throws InvalidInputException if this libtorch finds no such device
   */
  public static Device device(String name) {
    if (name.equals("cuda") && !torch.cuda_is_available()) {
      throw new InvalidInputException(
          "recipe: device is cuda, but libtorch finds no CUDA device (this build brings libtorch for the CPU; the jars"
              + " with the classifier linux-x86_64-gpu have CUDA); use device: cpu");
    }
    return new Device(name);
  }

  static TensorOptions options(ScalarType type) {
    return new TensorOptions(type);
  }

  /** An uninitialised tensor where {@code like} is. */
  static Tensor empty(Tensor like, ScalarType type, long... shape) {
    return torch.empty(shape, options(like, type), new MemoryFormatOptional());
  }

  static Tensor zeros(Tensor like, ScalarType type, long... shape) {
    return torch.zeros(shape, options(like, type));
  }

  /** Elements of a type on the device of {@code like}. */
  private static TensorOptions options(Tensor like, ScalarType type) {
    return options(type).device(new DeviceOptional(like.device()));
  }

  /** A copy of {@code values} as an int64 tensor. */
  public static Tensor longs(long[] values, long... shape) {
    return Tensor.create(values, shape);
  }

  /** A copy of {@code values} as a float32 tensor. */
  public static Tensor floats(float[] values, long... shape) {
    return Tensor.create(values, shape);
  }

  /** An uninitialised uint8 tensor on the CPU. */
  public static Tensor bytes(int length) {
    return torch.empty(new long[] {length}, options(ScalarType.Byte), new MemoryFormatOptional());
  }

  /** The elements of any real tensor in row-major order, as doubles. */
  public static double[] toDoubles(Tensor tensor) {
    Tensor flat = tensor.detach().cpu().to(ScalarType.Double).contiguous().view(-1);
    double[] values = new double[Math.toIntExact(flat.numel())];
    if (values.length > 0) {
      flat.data_ptr_double().get(values);
    }
    return values;
  }

  /** The elements of an integer tensor in row-major order. */
  public static long[] toLongs(Tensor tensor) {
    Tensor flat = tensor.detach().cpu().to(ScalarType.Long).contiguous().view(-1);
    long[] values = new long[Math.toIntExact(flat.numel())];
    if (values.length > 0) {
      flat.data_ptr_long().get(values);
    }
    return values;
  }

  /** The memory of a contiguous tensor on the CPU; valid while the tensor is. */
  @SuppressWarnings("restricted")
  public static MemorySegment memory(Tensor tensor) {
    return MemorySegment.ofAddress(tensor.data_ptr().address()).reinterpret(tensor.nbytes());
  }
}
