/** The game on the playground's hub, for as long as the page is open. */

import { useEffect, useMemo, useState } from "preact/hooks";

import { ProtobufCentrifuge } from "../../hub/protobuf";
import { useHub } from "../../hub/useHub";
import type { LineState } from "../../line/line";
import { Game, type Figures, type Score, type Settings, type Standing } from "./game";

const FIGURES_EVERY = 500; // milliseconds

export interface OnGame {
  game: Game;
  state: LineState;
  standing: Standing;
  /** Whether the seat was kept for this window. */
  back: boolean;
  scores: Score[];
  ships: number;
  /** Those of them that people fly. */
  players: number;
  figures: Figures | null;
  told: string;
  settings: Settings;
  set(settings: Settings): void;
}

export function useGame(): OnGame {
  const { hub, state } = useHub({ client: ProtobufCentrifuge });
  const [standing, setStanding] = useState<{ is: Standing; back: boolean }>({ is: "joining", back: false });
  const [list, setList] = useState<{ scores: Score[]; ships: number; players: number }>({ scores: [], ships: 0, players: 0 });
  const [told, setTold] = useState("");
  const [figures, setFigures] = useState<Figures | null>(null);
  const game = useMemo(
    () =>
      new Game(hub, {
        standing: (is, back) => setStanding({ is, back }),
        scores: (scores, ships, players) => setList({ scores, ships, players }),
        told: setTold,
      }),
    [hub],
  );
  const [settings, setSettings] = useState(game.settings);
  useEffect(() => game.start(), [game]);
  useEffect(() => {
    const timer = setInterval(() => setFigures(game.figures()), FIGURES_EVERY);
    return () => clearInterval(timer);
  }, [game]);
  useEffect(() => {
    if (!told) return;
    const timer = setTimeout(() => setTold(""), 4_000);
    return () => clearTimeout(timer);
  }, [told]);
  return {
    game,
    state,
    standing: standing.is,
    back: standing.back,
    ...list,
    figures,
    told,
    settings,
    set: (next) => {
      game.set(next);
      setSettings(next);
    },
  };
}
