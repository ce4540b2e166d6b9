package dev.graft.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which kernels are chosen, and what is said about it. */
class VectorWidthTest {
  private static final int OFFERED = FloatVector.SPECIES_PREFERRED.vectorBitSize();

  /** What a JVM of its own printed, started with these options. */
  private static String chosen(String... options) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Arrays.asList(options));
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), ChosenKernels.class.getName()));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    return out.strip();
  }

  private static String vectors(String... options) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of("--add-modules", "jdk.incubator.vector"));
    all.addAll(Arrays.asList(options));
    return chosen(all.toArray(String[]::new));
  }

  private static void assumeX86(int bits) {
    String architecture = System.getProperty("os.arch");
    Assumptions.assumeTrue(
        architecture.equals("amd64") && OFFERED >= bits,
        () ->
            "SKIPPED: needs an x86 CPU with vectors of "
                + bits
                + " bits; this is "
                + architecture
                + " with "
                + OFFERED);
  }

  /** What this very run was asked for, by -Dgraft.vector.bits or by nothing. */
  @Test
  void thisRunComputesWithTheWidthAskedFor() {
    int bits = Integer.getInteger(VectorWidth.PROPERTY, Math.min(512, OFFERED));
    Kernels kernels = KernelChoice.best();
    assertInstanceOf(VectorKernels.class, kernels);
    assertEquals(bits / 32, kernels.lanes());
    assertEquals(bits, Lanes.FLOATS.vectorBitSize());
    assertEquals("vector kernels of " + bits + " bits", kernels.name());
  }

  @ParameterizedTest
  @ValueSource(strings = {"128", "256", "512"})
  void aWidthThatIsAskedForIsChosenAndSaid(String bits) throws IOException, InterruptedException {
    String said = vectors("-Dgraft.vector.bits=" + bits);
    if (Integer.parseInt(bits) <= OFFERED) {
      assertTrue(
          said.startsWith(
              "vector kernels of "
                  + bits
                  + " bits: graft.vector.bits asks for it; this CPU has up to "
                  + OFFERED),
          said);
    } else {
      assertTrue(
          said.startsWith("refused: graft.vector.bits asks for vectors of " + bits + " bits, but"),
          said);
    }
  }

  @Test
  void withoutTheModuleThereAreScalarKernels() throws IOException, InterruptedException {
    assertEquals(
        "scalar kernels: slow, for the module jdk.incubator.vector is not loaded; start Java with"
            + " --add-modules jdk.incubator.vector",
        chosen("-Dgraft.vector.bits=256"));
  }

  @Test
  void aCpuWithAvx2() throws IOException, InterruptedException {
    assumeX86(256);
    assertEquals(
        "vector kernels of 256 bits: the widest that Java uses on this CPU, 256 bits (AVX2)",
        vectors("-XX:UseAVX=2"));
    assertEquals(
        "refused: graft.vector.bits asks for vectors of 512 bits, but the widest that Java uses on"
            + " this CPU have 256 bits (AVX2); ask for fewer or leave it out",
        vectors("-XX:UseAVX=2", "-Dgraft.vector.bits=512"));
  }

  @Test
  void aCpuWithAvx512() throws IOException, InterruptedException {
    assumeX86(512);
    assertEquals(
        "vector kernels of 512 bits: the widest that Java uses on this CPU, 512 bits (AVX-512)",
        vectors("-XX:UseAVX=3"));
  }

  @ParameterizedTest
  @CsvSource({
    "512, amd64, 512, (AVX-512)",
    "256, amd64, 256, (AVX2)",
    "128, x86_64, 128, (SSE)",
    "128, aarch64, 128, (NEON)",
    "256, aarch64, 256, (SVE)",
    "2048, aarch64, 512, (SVE)",
    "64, riscv64, 64, 64 bits",
  })
  void theWidestThatThereIs(int offered, String architecture, int bits, String said) {
    VectorWidth width = VectorWidth.choose(Optional.empty(), offered, architecture);
    assertEquals(bits, width.bits());
    assertTrue(width.reason().contains(said), width.reason());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0", "-256", "64", "300", "1024", "wide", "256 "})
  void whatIsNoWidthIsRefused(String asked) {
    InvalidInputException refused =
        assertThrows(
            InvalidInputException.class,
            () -> VectorWidth.choose(Optional.of(asked), 512, "amd64"));
    assertEquals(
        "graft.vector.bits is '" + asked + "'; it must be 128, 256 or 512, or be left out",
        refused.getMessage());
  }
}
