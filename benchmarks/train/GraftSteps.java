import dev.graft.events.Event;
import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import dev.graft.loop.RunListener;
import dev.graft.loop.Trainer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Graft's trainer for {@code benchmarks/interleave.py}: it trains by a recipe, and holds still after the steps it was
 * told to do. What a step logs is part of its time.
 *
 * <p>usage: java -cp CLASS_PATH GraftSteps.java RECIPE
 */
final class GraftSteps implements RunListener {
  private final BufferedReader orders =
      new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
  private int told;
  private int done;
  private long began;

  public static void main(String[] arguments) throws IOException {
    Recipe recipe = RecipeReader.read(Path.of(arguments[0]), List.of());
    new Trainer(recipe, new GraftSteps()).run(false);
  }

  @Override
  public void event(Event event) {
    switch (event) {
      case Event.Run run -> {
        System.out.println("{\"name\": \"Graft\", \"parameters\": " + run.model().get("parameters") + "}");
        waitForOrders();
      }
      case Event.Step step -> {
        done++;
        if (done == told) {
          double seconds = (System.nanoTime() - began) * 1e-9;
          System.out.printf(Locale.ROOT, "{\"seconds\": %.9f, \"loss\": %.9f}%n", seconds, step.loss());
          waitForOrders();
        }
      }
      default -> {}
    }
  }

  private void waitForOrders() {
    try {
      String order = orders.readLine();
      if (order == null) {
        Runtime.getRuntime().halt(0); // the run is of no use: nothing is saved
      }
      told = Integer.parseInt(order.substring("go ".length()));
      done = 0;
      began = System.nanoTime();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
