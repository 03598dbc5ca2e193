/** The shared document of the page, opened when the frame is ready. */

import { useEffect, useMemo, useState } from "preact/hooks";

import { useFrame } from "../../frame/frame";
import { SharedDocument, type Told } from "./shared";

export function useShared(readOnly: boolean): { shared: SharedDocument; told: Told } {
  const { ready, token, report } = useFrame();
  const [told, setTold] = useState<Told | null>(null);
  const shared = useMemo(() => new SharedDocument(readOnly, token, setTold), []);
  useEffect(() => {
    if (ready) shared.open();
  }, [ready, shared]);
  useEffect(() => () => shared.close(), [shared]);
  const now = told ?? shared.told;
  useEffect(() => report(now.line), [now.line, report]);
  return { shared, told: now };
}
